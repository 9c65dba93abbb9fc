/** A quiet line under a box for words: what the model will not read of them, or hardly knows; what cannot be drawn is told apart. */

import { h, replace } from '../elements.js';
import { sentence } from '../notices.js';
import { call } from '../server.js';
import { t } from '../words.js';

const TYPING_MS = 500;
const SHOWN_WORDS = 5;

/**
 * @typedef {object} Reading As `POST /api/v1/prompts/check` answers for each prompt.
 * @property {string} unread
 * @property {string[]} unknown
 * @property {boolean} is_foreign
 * @property {string | null} trouble Why they cannot be drawn.
 */

/**
 * Return what there is to say of how some words are read that can be drawn, or be drawn away from.
 *
 * @param {Reading} reading How they are read.
 * @param {'hints' | 'hints.away'} [about] Whether they say what is drawn, or what shall not be seen.
 * @returns {string[]} Sentences; none if all is well.
 */
export function hintsOf({ unread, unknown, is_foreign: isForeign }, about = 'hints') {
  return [
    isForeign ? t(`${about}.english`) : '',
    unknown.length && !isForeign ? t(`${about}.unknown`, { words: quoted(unknown) }) : '',
    unread ? t('hints.unread', { words: unread.length > 60 ? `${unread.slice(0, 60)} …` : unread }) : '',
  ].filter(Boolean);
}

/**
 * Join what several models say: once if all say it, else with the names of those who do.
 *
 * @param {Array<string | null>} models Their names.
 * @param {string[][]} said What each of them says.
 * @returns {string[]} Sentences.
 */
function byModel(models, said) {
  return [...new Set(said.flat())].map((words) => {
    const those = models.filter((_, i) => said[i].includes(words));
    return those.length === models.length ? words : t('hints.by', { models: those.join(', '), words });
  });
}

function quoted(words) {
  const some = words.slice(0, SHOWN_WORDS).map((word) => `“${word}”`);
  return some.join(', ') + (words.length > SHOWN_WORDS ? ' …' : '');
}

/**
 * Make the line under a box; where several models read, it names those that say what the others do not.
 *
 * @param {import('../main.js').App} app The app.
 * @param {string} id Of the line, by which the box is described.
 * @param {string} usual What it says as long as there is nothing to say.
 * @param {{models: () => Array<string | null>, ontrouble: (words: string) => void, about?: 'hints' | 'hints.away'}} use Which
 *     models read, null for the default; told why the words cannot be drawn by one of them, and with none once they can; `about`
 *     as in `hintsOf`.
 * @returns {{element: HTMLElement, look: (words: string) => void, trouble: () => string, refusal: () => string, close: () => void}}
 *     The line; `look` looks at words, if these or the models are others than before; `trouble` is what was told last, `refusal`
 *     the same of these very words: none as long as they are not read yet, which who draws them will do.
 */
export function hintBelow(app, id, usual, { models, ontrouble, about }) {
  const element = h('p', { class: 'hint', id, role: 'status' }, usual);
  let asking = new AbortController();
  let timer = 0;
  let looked = '';
  let known = '';
  let said = usual;
  let trouble = '';

  const tell = (sentences) => {
    const words = sentences.length ? sentences.join(' ') : usual;
    if (words === said) return;
    said = words;
    element.classList.toggle('aware', sentences.length > 0);
    replace(element, words);
  };

  /** Tell why words cannot be drawn, if that is another reason than before. */
  const hold = (words) => {
    if (words === trouble) return;
    trouble = words;
    ontrouble(words);
  };

  async function ask(words) {
    const what = looked;
    asking = new AbortController();
    const { signal } = asking;
    const readBy = async (model) => {
      const body = { prompts: [words], ...(model ? { model } : {}) };
      const { data } = await call('POST', '/api/v1/prompts/check', { body, signal });
      return data[0];
    };
    try {
      const names = [...new Set(models())];
      const readings = await Promise.all(names.map(readBy));
      if (signal.aborted) return;
      known = what;
      const troubles = readings.map((one) => [sentence(one.trouble ?? '')].filter(Boolean));
      tell(
        byModel(
          names,
          readings.map((one) => hintsOf(one, about)),
        ),
      );
      hold(byModel(names, troubles).join(' '));
    } catch {
      // A hint that does not come is none; whatever is wrong is said where something is drawn.
      if (!signal.aborted) ((looked = ''), hold(''));
    }
  }

  function look(words) {
    const what = JSON.stringify([words, models()]);
    if (what === looked) return;
    looked = what;
    clearTimeout(timer);
    asking.abort();
    if (!words.trim()) return (tell([]), hold(''));
    timer = window.setTimeout(() => ask(words), trouble ? 0 : TYPING_MS);
  }

  return {
    element,
    look,
    trouble: () => trouble,
    refusal: () => (known === looked ? trouble : ''),
    close: () => (clearTimeout(timer), asking.abort()),
  };
}
