/**
 * What can be done with a picture, wherever one is shown large: a row for each, in the order of the buttons.
 *
 * @typedef {object} Action
 * @property {string} name Before its words: `action.NAME`.
 * @property {keyof typeof import('./icons.js').DRAWINGS} icon Its sign.
 * @property {(app: import('./main.js').App, picture: import('./pictures.js').Picture) => boolean} [when] Whether it can be done.
 * @property {(app: import('./main.js').App, picture: import('./pictures.js').Picture) => any} run Does it; what it throws is shown.
 * @property {boolean} [leaves] Whether the large view is closed first, since another view follows.
 */

import { remove } from './collection.js';
import { fileOf, nameOf, save } from './pictures.js';

/** @type {Action[]} */
export const ACTIONS = [
  { name: 'download', icon: 'download', run: async (_app, picture) => save(await fileOf(picture), nameOf(picture)) },
  { name: 'more', icon: 'dice', leaves: true, run: (app, { settings }) => app.use({ ...settings, seed: null, count: 4 }) },
  { name: 'use', icon: 'pencil', leaves: true, run: (app, { settings }) => app.use(settings) },
  { name: 'delete', icon: 'trash', leaves: true, when: (_app, picture) => 'favorite' in picture, run: (_app, picture) => remove([picture.pixel_sha256]) },
];
