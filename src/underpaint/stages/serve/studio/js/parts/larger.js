/** A picture larger than it was drawn: the server makes its pixels many and its edges sharp. */

import { button, h, replace } from '../elements.js';
import { fail, openDialog, over } from '../notices.js';
import { nameOf, save } from '../pictures.js';
import { request } from '../server.js';
import { t } from '../words.js';
import { openPack } from './pack.js';

/** How many times larger a picture may become; beyond that nothing is seen but blur. */
const MOST_TIMES = 16;

/**
 * Offer a picture in the sizes that the server makes.
 *
 * @param {import('../main.js').App} app The app.
 * @param {import('../pictures.js').Picture} picture The picture, of the gallery.
 */
export function openLarger(app, picture) {
  const side = Math.max(picture.width, picture.height);
  const useful = app.capabilities.upscale_sizes.filter((size) => size > side && size <= MOST_TIMES * side);
  const state = h('p', { class: 'soft', role: 'status' }, t(useful.length ? 'larger.about' : 'larger.none'));
  const take = async (size) => {
    over('larger');
    replace(state, t('larger.busy'));
    try {
      const answer = await request('POST', '/api/v1/upscale', { body: { picture: picture.pixel_sha256, size } });
      save(await answer.blob(), nameOf(picture).replace(/\.png$/, `-${size}.png`));
      replace(state, t('larger.done'));
    } catch (error) {
      replace(state, t('larger.about'));
      fail(error, 'larger');
    }
  };
  const sizes = useful.map((size) =>
    button(t('facts.pixels', { width: size, height: size }), () => take(size), { icon: 'download' }),
  );
  const pack = () => openPack(app, [picture.pixel_sha256]).catch(fail);
  openDialog(
    t('action.larger'),
    h(
      'div',
      { class: 'question' },
      state,
      h('div', { class: 'row' }, sizes),
      h('p', { class: 'soft' }, t('larger.apps')),
      h('div', { class: 'row' }, button(t('gallery.pack'), pack, { icon: 'pack' })),
    ),
  );
}
