/** Styles that come with the part of the page that needs them. */

import { h } from './elements.js';

/** @type {Map<string, Promise<any>>} */
const loaded = new Map();

/**
 * Load the styles of a view or a part, once.
 *
 * @param {string} name Of `css/NAME.css`.
 * @returns {Promise<any>} Then.
 */
export function styled(name) {
  const known = loaded.get(name);
  if (known) return known;
  const href = new URL(`../css/${name}.css`, import.meta.url).href;
  const link = h('link', { rel: 'stylesheet', href });
  const ready = new Promise((resolve, reject) => {
    link.addEventListener('load', resolve);
    link.addEventListener('error', () => (loaded.delete(name), link.remove(), reject(new TypeError(`no ${href}`))));
  });
  loaded.set(name, ready);
  document.head.append(link);
  return ready;
}
