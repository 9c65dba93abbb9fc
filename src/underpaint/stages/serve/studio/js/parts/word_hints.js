/** A quiet line under a box for words: what the model will not read of them, or hardly knows. It forbids nothing. */

import { h, replace } from '../elements.js';
import { call } from '../server.js';
import { t } from '../words.js';

const TYPING_MS = 500;
const SHOWN_WORDS = 5;

/**
 * @typedef {object} Reading As `POST /api/v1/prompts/check` answers for each prompt.
 * @property {string} unread
 * @property {string[]} unknown
 * @property {boolean} is_foreign
 * @property {string | null} trouble
 */

/**
 * Return what there is to say of how some words are read.
 *
 * @param {Reading} reading How they are read.
 * @returns {string[]} Sentences; none if all is well.
 */
export function hintsOf({ unread, unknown, is_foreign: isForeign, trouble }) {
  if (trouble) return [t('hints.letters')];
  return [
    isForeign ? t('hints.english') : '',
    unknown.length && !isForeign ? t('hints.unknown', { words: quoted(unknown) }) : '',
    unread ? t('hints.unread', { words: unread.length > 60 ? `${unread.slice(0, 60)} …` : unread }) : '',
  ].filter(Boolean);
}

function quoted(words) {
  const some = words.slice(0, SHOWN_WORDS).map((word) => `“${word}”`);
  return some.join(', ') + (words.length > SHOWN_WORDS ? ' …' : '');
}

/**
 * Make the line under a box.
 *
 * @param {import('../main.js').App} app The app.
 * @param {string} id Of the line, by which the box is described.
 * @param {string} usual What it says as long as there is nothing to say.
 * @param {() => string | null} [model] Which model reads; the default without it.
 * @returns {{element: HTMLElement, look: (words: string) => void, close: () => void}} The line; `look` looks at other words.
 */
export function hintBelow(app, id, usual, model = () => null) {
  const element = h('p', { class: 'hint', id, role: 'status' }, usual);
  let asking = new AbortController();
  let timer = 0;
  let said = usual;

  const tell = (sentences) => {
    const words = sentences.length ? sentences.join(' ') : usual;
    if (words === said) return;
    said = words;
    element.classList.toggle('aware', sentences.length > 0);
    replace(element, words);
  };

  async function ask(words) {
    asking = new AbortController();
    const { signal } = asking;
    try {
      const body = { prompts: [words], ...(model() ? { model: model() } : {}) };
      const { data } = await call('POST', '/api/v1/prompts/check', { body, signal });
      if (!signal.aborted) tell(hintsOf(data[0]));
    } catch {
      // A hint that does not come is none; whatever is wrong is said where something is drawn.
    }
  }

  function look(words) {
    clearTimeout(timer);
    asking.abort();
    if (!words.trim()) return tell([]);
    timer = window.setTimeout(() => ask(words), TYPING_MS);
  }

  return { element, look, close: () => (clearTimeout(timer), asking.abort()) };
}
