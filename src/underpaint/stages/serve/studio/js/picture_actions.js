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
import { note } from './notices.js';
import { fileOf, nameOf, save } from './pictures.js';
import { kept } from './state.js';
import { t } from './words.js';

/** The first picture of two that are to be compared. */
const first = kept('compare.first', '');

/** @type {Action[]} */
export const ACTIONS = [
  { name: 'download', icon: 'download', run: async (_app, picture) => save(await fileOf(picture), nameOf(picture)) },
  {
    name: 'larger',
    icon: 'larger',
    when: isKnown,
    run: async (app, picture) => (await import('./parts/larger.js')).openLarger(app, picture),
  },
  { name: 'more', icon: 'dice', leaves: true, run: (app, { settings }) => app.use(settings, { seed: null, count: 4 }) },
  { name: 'use', icon: 'pencil', leaves: true, run: (app, { settings }) => app.use(settings) },
  {
    name: 'vary',
    icon: 'magic',
    leaves: true,
    when: canEdit,
    run: (app, { pixel_sha256: picture }) => app.go('edit', { picture, vary: true }),
  },
  {
    name: 'edit',
    icon: 'pencil',
    leaves: true,
    when: canEdit,
    run: (app, { pixel_sha256: picture }) => app.go('edit', { picture }),
  },
  { name: 'compare', icon: 'compare', leaves: true, run: compare },
  {
    name: 'delete',
    icon: 'trash',
    leaves: true,
    when: isKnown,
    run: (_app, picture) => remove([picture.pixel_sha256]),
  },
];

/** Tell whether a picture is known to the gallery, and not in its bin. */
function isKnown(_app, picture) {
  return 'favorite' in picture && !picture.deleted_at;
}

/** Keep a picture until another is chosen, then compare them. */
function compare(app, { pixel_sha256: digest }) {
  const left = first.value;
  const isSecond = left && left !== digest;
  first.set(isSecond ? '' : digest);
  if (isSecond) app.go('compare', { left, right: digest });
  else note(t('compare.pick'), { icon: 'compare' });
}

/** Say whether a picture of the gallery can be redrawn here. */
function canEdit(app, picture) {
  return 'favorite' in picture && app.capabilities.models.some((one) => one.can_edit);
}
