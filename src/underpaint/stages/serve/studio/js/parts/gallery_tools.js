/** What stands above the gallery: search, favorites, the bin, styles, and a way in for pictures of one's own. */

import { bring } from '../collection.js';
import { button, h, icon } from '../elements.js';
import { note } from '../notices.js';
import { styleName, t } from '../words.js';
import { choice } from './choices.js';

const TYPING_MS = 250;

/**
 * Make the tools.
 *
 * @param {import('../main.js').App} app The app.
 * @param {{search: string, show: string, style: string}} wanted What is looked for; it is changed.
 * @param {() => void} onbrought Told that pictures were added.
 * @returns {{element: HTMLElement, onchange: () => void}} The tools; `onchange` is called when something else is looked for.
 */
export function galleryTools(app, wanted, onbrought) {
  const made = { element: /** @type {any} */ (null), onchange: () => {} };
  let typing = 0;
  const search = h('input', {
    type: 'search',
    value: wanted.search,
    placeholder: t('gallery.search'),
    'aria-label': t('gallery.search'),
  });
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = window.setTimeout(() => ((wanted.search = search.value.trim()), made.onchange()), TYPING_MS);
  });
  const shows = ['all', 'favorites', 'bin'].map((value) => ({ value, words: t(`gallery.${value}`) }));
  const show = choice(t('gallery.show'), shows, wanted.show, (value) => ((wanted.show = value), made.onchange()));
  const styles = [...new Set(app.capabilities.models.flatMap((model) => model.styles))];
  const style = h(
    'select',
    { 'aria-label': t('create.style'), onchange: () => ((wanted.style = style.value), made.onchange()) },
    h('option', { value: '' }, t('gallery.any_style')),
    styles.map((name) => h('option', { value: name, selected: name === wanted.style }, styleName(name))),
  );
  const file = h('input', {
    type: 'file',
    accept: 'image/png,image/jpeg,image/webp',
    multiple: true,
    hidden: true,
    'aria-label': t('gallery.bring'),
  });
  file.addEventListener('change', async () => {
    const taken = await bring([...(file.files ?? [])], app.capabilities.limits.upload_bytes);
    file.value = '';
    if (taken) note(t('gallery.brought', { n: taken }));
    onbrought();
  });
  const add = button(t('gallery.bring'), () => file.click(), { icon: 'upload' });
  made.element = h(
    'div',
    { class: 'gallery-head' },
    h('div', { class: 'row spread' }, h('h1', {}, t('gallery.title')), add, file),
    h(
      'div',
      { class: 'row gallery-tools' },
      h('div', { class: 'search' }, icon('search'), search),
      show.element,
      styles.length ? style : null,
    ),
  );
  return made;
}
