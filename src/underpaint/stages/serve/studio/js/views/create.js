/** The first view: words in, pictures out. */

import { h } from '../elements.js';
import { leftBehind } from '../jobs.js';
import { askForm } from '../parts/ask_form.js';
import { ideas } from '../parts/ideas.js';
import { stripList } from '../parts/strips.js';
import { t } from '../words.js';

const MOST_STRIPS = 12;

/**
 * Open the view.
 *
 * @param {import('../main.js').App} app The app.
 * @returns {import('../views.js').View} The view.
 */
export function open(app) {
  const results = stripList(app, {
    name: 'strips',
    title: t('create.results'),
    most: MOST_STRIPS,
    onmore: (request) => results.add({ kind: 'generation', request }),
  });
  const asked = askForm(app, (body) => results.add(body));
  const element = h('div', { class: 'create' }, asked.element, results.element, ideas(app, asked.focus));
  for (const { key, body } of leftBehind()) results.add(body, key);
  return { element, close: () => (asked.close(), results.close()), focus: asked.focus };
}
