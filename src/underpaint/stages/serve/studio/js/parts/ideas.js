/** Prompts to begin with, for whoever has never seen one: a small picture of what comes, and its words. */

import { button, h } from '../elements.js';
import { form, freshSeed } from '../form.js';
import { styleName, t } from '../words.js';

const MOST = 10;

/** Pictures in `ideas/`, by prompt and style; `runs/studio_ideas.py` draws them. */
const PICTURED = [
  'red-heart-gradient',
  'rocket-flat',
  'grinning-face-flat',
  'evergreen-tree-flat',
  'fire-gradient',
  'umbrella-flat',
  'santa-claus-cartoon',
  'cat-with-tears-of-joy-cartoon',
  'soccer-ball-line-art',
  'purple-heart-gradient',
];

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
  const items = [...examples]
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MOST)
    .map((one) =>
      h(
        'li',
        {},
        h(
          'button',
          {
            type: 'button',
            class: 'idea',
            onclick: () => take(one),
            title: one.style ? styleName(one.style) : null,
          },
          pictureOf(one),
          h('span', {}, one.prompt),
        ),
      ),
    );
  const any = button(t('ideas.any'), () => take(examples[freshSeed() % examples.length]), {
    icon: 'dice',
    kind: 'quiet',
  });
  return h(
    'section',
    { class: 'ideas', 'aria-label': t('ideas.title') },
    h('div', { class: 'row spread' }, h('h2', {}, t('ideas.title')), any),
    h('ul', {}, items),
  );
}

function nameOf({ prompt, style }) {
  return [prompt, style]
    .filter(Boolean)
    .join(' ')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
}

/** Return which idea goes first: those with a picture, in the order of their pictures. */
function rank(example) {
  const at = PICTURED.indexOf(nameOf(example));
  return at < 0 ? PICTURED.length : at;
}

function pictureOf(example) {
  const name = nameOf(example);
  if (!PICTURED.includes(name)) return null;
  return h('img', { src: new URL(`../../ideas/${name}.webp`, import.meta.url).href, alt: '', width: 64, height: 64 });
}
