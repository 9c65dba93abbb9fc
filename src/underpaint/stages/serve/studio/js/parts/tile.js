/** A place for one picture: an underpainting while it is drawn, then the picture, on paper that shows what is transparent. */

import { h, replace } from '../elements.js';
import { altOf, imageOf } from '../pictures.js';
import { t } from '../words.js';

/**
 * Make a place for a picture that is not there yet.
 *
 * @returns {HTMLElement} The place.
 */
export function emptyTile() {
  return h('div', { class: 'tile waiting' }, h('div', { class: 'underpainting', 'aria-hidden': 'true' }));
}

/**
 * Show how far the picture of a place is.
 *
 * @param {HTMLElement} tile From `emptyTile`.
 * @param {{active: boolean, preview?: string | null}} how Whether it is being drawn just now, and its unfinished picture.
 */
export function showProgress(tile, { active, preview = null }) {
  tile.classList.toggle('active', active);
  const shown = tile.querySelector('img.preview');
  if (!preview) shown?.remove();
  else if (shown) /** @type {HTMLImageElement} */ (shown).src = preview;
  else tile.append(h('img', { class: 'preview', src: preview, alt: '' }));
}

/**
 * Put a finished picture into its place.
 *
 * @param {HTMLElement} tile The place.
 * @param {import('../pictures.js').Picture} picture The picture.
 * @param {() => void} onopen Opens it.
 */
export function fillTile(tile, picture, onopen) {
  tile.className = 'tile';
  tile.dataset.picture = picture.pixel_sha256;
  const image = imageOf(picture);
  image.alt = '';
  replace(
    tile,
    h(
      'button',
      {
        type: 'button',
        class: 'paper',
        onclick: onopen,
        'aria-label': t('picture.open', { alt: altOf(picture) }),
      },
      image,
    ),
    h('p', { class: 'lost' }, t('picture.gone')),
  );
}

/**
 * Make a place with a picture in it.
 *
 * @param {import('../pictures.js').Picture} picture The picture.
 * @param {() => void} onopen Opens it.
 * @returns {HTMLElement} The place.
 */
export function tileOf(picture, onopen) {
  const tile = h('div', { class: 'tile' });
  fillTile(tile, picture, onopen);
  return tile;
}
