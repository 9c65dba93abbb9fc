/** What somebody thinks of a picture: favorite, one to five stars, a note; kept as soon as it is said. */

import { button, field, h, replace } from '../elements.js';
import { say as keep } from '../collection.js';
import { say, tried } from '../notices.js';
import { t } from '../words.js';

const STARS = [1, 2, 3, 4, 5];

/**
 * Make the button that makes a picture a favorite.
 *
 * @param {import('../pictures.js').Picture} picture The picture.
 * @param {{bare?: boolean, [attribute: string]: any}} [how] As for `button`.
 * @returns {HTMLButtonElement} The button.
 */
export function favoriteButton(picture, how = {}) {
  let favorite = Boolean(picture.favorite);
  const toggle = () =>
    tried('remarks.favorite', async () => {
      favorite = Boolean((await keep(picture.pixel_sha256, { favorite: !favorite })).favorite);
      picture.favorite = favorite;
      show();
      say(t(favorite ? 'remarks.is_favorite' : 'remarks.no_favorite'));
    });
  const made = button(t('remarks.favorite'), toggle, { icon: 'heart', ...how });
  const show = () => made.setAttribute('aria-pressed', String(favorite));
  show();
  return made;
}

/**
 * Make the fields for what is thought of a picture of the gallery.
 *
 * @param {import('../pictures.js').Picture} picture The picture.
 * @returns {HTMLElement} The fields.
 */
export function remarks(picture) {
  const note = h('textarea', { rows: 2, maxlength: 2000, value: picture.note ?? '' });
  note.addEventListener('change', () =>
    tried('remarks.note', async () => {
      await keep(picture.pixel_sha256, { note: note.value.trim() || null });
      say(t('remarks.kept'));
    }),
  );
  return h('div', { class: 'remarks' }, stars(picture), field(t('remarks.note'), note));
}

/** Make five stars; the one that is chosen already takes the rating away. */
function stars(picture) {
  let rating = picture.rating ?? 0;
  const row = h('div', { class: 'row stars', role: 'group', 'aria-label': t('remarks.rating') });
  const rate = (n) =>
    tried('remarks.stars', async () => {
      rating = (await keep(picture.pixel_sha256, { rating: n === rating ? null : n })).rating ?? 0;
      show();
      /** @type {any} */ (row.children[n - 1]).focus();
      say(rating ? t('remarks.stars', { n: rating }) : t('remarks.no_stars'));
    });
  const show = () =>
    replace(
      row,
      STARS.map((n) =>
        button(t('remarks.stars', { n }), () => rate(n), {
          icon: 'star',
          bare: true,
          'aria-pressed': String(n <= rating),
        }),
      ),
    );
  show();
  return row;
}
