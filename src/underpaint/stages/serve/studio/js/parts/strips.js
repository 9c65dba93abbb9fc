/** What was asked for lately in a view, the latest first: kept over reloads, no more than a view shows. */

import { h, replace } from '../elements.js';
import { kept } from '../state.js';
import { freshStrip, knownStrip } from './strip.js';

/**
 * Make the list of a view.
 *
 * @param {import('../main.js').App} app The app.
 * @param {{name: string, title: string, most: number, onmore?: (request: Object<string, any>) => void,
 *     onrefused?: (error: Error, request: Object<string, any>) => boolean}} how `name`: under which its jobs are kept; `most`: how
 *     many are shown; `onmore`: asked for the same words with other numbers; `onrefused`: told what was refused, says whether it
 *     shows that itself.
 * @returns {{element: HTMLElement, add: (body: any, key?: string) => void, close: () => void}} The list; `add` hands in a job, whose
 *     `key` was perhaps written down before.
 */
export function stripList(app, { name, title, most, onmore = () => {}, onrefused = () => false }) {
  const recent = kept(name, /** @type {string[]} */ ([]));
  const list = h('div', { class: 'strips' });
  const element = h('section', { class: 'results', hidden: true }, h('h2', {}, title), list);
  /** @type {import('./strip.js').Strip[]} */
  let strips = [];

  const keep = () => {
    element.hidden = strips.length === 0;
    recent.set(strips.map((one) => one.job).filter((id) => id !== null));
  };
  const use = {
    onknown: keep,
    onmore,
    onrefused,
    onremove: (strip) => {
      strip.close();
      strip.element.remove();
      strips = strips.filter((one) => one !== strip);
      keep();
    },
  };
  const add = (body, key) => {
    const strip = freshStrip(app, body, use, key);
    strips = [strip, ...strips];
    list.prepend(strip.element);
    strips.slice(most).forEach(use.onremove);
    element.hidden = false;
    strip.element.scrollIntoView({ block: 'nearest' });
  };

  strips = recent.value.map((id) => knownStrip(app, id, use));
  replace(
    list,
    strips.map((one) => one.element),
  );
  element.hidden = strips.length === 0;
  return { element, add, close: () => strips.forEach((one) => one.close()) };
}
