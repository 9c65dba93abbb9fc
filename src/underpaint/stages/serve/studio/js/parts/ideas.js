/** Prompts to begin with, for whoever has never seen one: a small picture of what comes, and its words. */

import { h } from '../elements.js';
import { form } from '../form.js';
import { styleName, t } from '../words.js';

const MOST = 8;

/**
 * Make a row of ideas; one that is chosen goes into the form.
 *
 * @param {import('../main.js').App} app The app.
 * @param {() => void} onchosen Told then.
 * @returns {HTMLElement | null} The row; none where the server has no examples.
 */
export function ideas(app, onchosen) {
  const { examples } = app.capabilities;
  if (!examples.length) return null;
  const take = ({ prompt, style }) => (form.change({ prompt, style }), onchosen());
  const items = examples.slice(0, MOST).map((one) => h('li', {}, h('button', {
    type: 'button', class: 'idea', onclick: () => take(one), title: one.style ? styleName(one.style) : null,
  }, pictureOf(one), h('span', {}, one.prompt))));
  return h('section', { class: 'ideas', 'aria-label': t('ideas.title') }, h('h2', {}, t('ideas.title')), h('ul', {}, items));
}

/** Return the picture that an example gave when the studio was made; it is decoration, and goes if there is none. */
function pictureOf({ prompt, style }) {
  const name = [prompt, style].filter(Boolean).join(' ').toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const src = new URL(`../../ideas/${name}.webp`, import.meta.url).href;
  return h('img', { src, alt: '', width: 64, height: 64, loading: 'lazy', onerror: (event) => event.target.remove() });
}
