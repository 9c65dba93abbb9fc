/** The first view: words in, pictures out. */

import { h, replace } from '../elements.js';
import { leftBehind } from '../jobs.js';
import { askForm } from '../parts/ask_form.js';
import { ideas } from '../parts/ideas.js';
import { freshStrip, knownStrip } from '../parts/strip.js';
import { kept } from '../state.js';
import { t } from '../words.js';

const MOST_STRIPS = 12;

/** Jobs whose strips are shown, the latest first. */
const recent = kept('strips', /** @type {string[]} */ ([]));

/**
 * Open the view.
 *
 * @param {import('../main.js').App} app The app.
 * @returns {import('../views.js').View} The view.
 */
export function open(app) {
  const results = resultsOf(app);
  const asked = askForm(app, (body) => results.add(body));
  const element = h('div', { class: 'create' }, asked.element, results.element, ideas(app, asked.focus));
  for (const { key, body } of leftBehind()) results.add(body, key);
  return { element, close: () => (asked.close(), results.close()) };
}

/** Make the list of what was asked for lately, the latest first. */
function resultsOf(app) {
  const list = h('div', { class: 'strips' });
  const title = h('h2', {}, t('create.results'));
  const element = h('section', { class: 'results', hidden: true }, title, list);
  /** @type {import('../parts/strip.js').Strip[]} */
  let strips = [];

  const use = {
    onknown: () => keep(),
    onremove: (strip) => {
      strip.close();
      strip.element.remove();
      strips = strips.filter((one) => one !== strip);
      keep();
    },
    onmore: (request) => add({ kind: 'generation', request }),
  };
  const keep = () => {
    element.hidden = strips.length === 0;
    recent.set(strips.map((one) => one.job).filter(Boolean));
  };
  const add = (body, key) => {
    const strip = freshStrip(app, body, use, key);
    strips = [strip, ...strips];
    list.prepend(strip.element);
    strips.slice(MOST_STRIPS).forEach(use.onremove);
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
