/**
 * The views: a row for each, in the order of the navigation. docs/studio.md says what a view is and how one is added.
 *
 * @typedef {object} View What `open` of a view's module returns.
 * @property {HTMLElement} element What is shown.
 * @property {() => void} [close] Ends what the view does, when another takes its place.
 * @property {() => void} [focus] Puts the focus where somebody types first.
 * @property {(query: URLSearchParams) => void} [change] Told that the address within the view changed; without it the view is
 *     opened anew.
 *
 * @typedef {object} Row
 * @property {string} name In addresses (`#/name`), in the names of its files, before its words (`name.title`).
 * @property {keyof typeof import('./icons.js').DRAWINGS} icon Its sign.
 * @property {() => Promise<{open: (app: import('./main.js').App, query: URLSearchParams) => View | Promise<View>}>} load
 * @property {boolean} [styled] Whether `css/NAME.css` is to be loaded with it.
 */

/** @type {Row[]} */
export const VIEWS = [
  { name: 'create', icon: 'brush', load: () => import('./views/create.js'), styled: true },
  { name: 'moods', icon: 'smile', load: () => import('./views/moods.js'), styled: true },
  { name: 'edit', icon: 'magic', load: () => import('./views/edit.js'), styled: true },
  { name: 'gallery', icon: 'gallery', load: () => import('./views/gallery.js'), styled: true },
  { name: 'lists', icon: 'list', load: () => import('./views/lists.js'), styled: true },
  { name: 'queue', icon: 'queue', load: () => import('./views/queue.js'), styled: true },
  { name: 'compare', icon: 'compare', load: () => import('./views/compare.js'), styled: true },
];
