/** The box for moods in words of one's own: a line each, with what is wrong with lines, and what the model reads of them. */

import { field, h, replace } from '../elements.js';
import { call } from '../server.js';
import { moodName, t } from '../words.js';
import { mistakeBelow } from './mistake.js';
import { hintsOf } from './word_hints.js';

const TYPING_MS = 500;

/**
 * @typedef {object} Line
 * @property {number} number Of the line in the box, from 1.
 * @property {string} words What it says.
 */

/**
 * Return the lines of a box that say something, with their numbers there.
 *
 * @param {string} text The box.
 * @returns {Line[]} The lines; what no line of words holds, such as tabs, is a space.
 */
function linesOf(text) {
  const lines = text
    .split('\n')
    .map((line, i) => ({ number: i + 1, words: line.replace(/[\u0000-\u001f]+/g, ' ').trim() }));
  return lines.filter(({ words }) => words);
}

/**
 * Return the moods that lines mean, each once, and those that are said already.
 *
 * @param {string} text The box.
 * @param {string[]} chosen Names of moods that are chosen besides.
 * @returns {{own: Line[], repeated: Array<Line & {of: number | string}>}} `of` is the number of the first such line, or a mood.
 */
export function ownOf(text, chosen) {
  /** @type {Map<string, number | string>} */
  const first = new Map(chosen.map((name) => [name, name]));
  const own = [];
  const repeated = [];
  for (const line of linesOf(text)) {
    const of = first.get(line.words);
    if (of !== undefined) repeated.push({ ...line, of });
    else own.push(line);
    if (of === undefined) first.set(line.words, line.number);
  }
  return { own, repeated };
}

/** Return what there is to say of how a line is read; words of the subject are spoken of below the subject. */
function remarkOn(reading, subject, number) {
  const unknown = reading.unknown.filter((word) => !subject.includes(word));
  const words = hintsOf({ ...reading, unknown }).join(' ');
  return words ? [{ number, words: t('moods.own_line', { line: number, words }) }] : [];
}

/**
 * Make the box.
 *
 * @param {import('../main.js').App} app The app.
 * @param {{text: () => string, subject: () => string, chosen: () => string[], onchange: (text: string) => void}} form What
 *     stands in the form now; `onchange` is told what was written.
 * @returns {{element: HTMLElement, look: () => string, complain: (words: string) => void, clear: () => void, close: () => void}}
 *     The box; `look` looks at it anew, and returns what keeps it from being drawn.
 */
export function ownMoods(app, form) {
  const { own_characters: longest, moods: most } = app.capabilities.limits;
  const input = h('textarea', {
    rows: 3,
    autocomplete: 'off',
    value: form.text(),
    placeholder: t('moods.own_open'),
  });
  const mistake = mistakeBelow(input, 'own-mistake');
  const said = h('ul', {});
  const hints = h('div', { class: 'hint own-hints', role: 'status' }, said);
  const element = field(t('moods.own'), input, t('moods.own_about', { n: longest }));
  input.setAttribute('aria-describedby', `${input.getAttribute('aria-describedby')} own-mistake`);
  element.append(mistake.element, hints);
  let asking = new AbortController();
  let timer = 0;
  let told = '';

  /** Return what is wrong with the lines. */
  function wrong({ own }) {
    const long = own.filter(({ words }) => words.length > longest);
    const many = own.length + form.chosen().length;
    return [
      ...long.map(({ number, words }) => t('moods.own_long', { line: number, n: words.length, most: longest })),
      many > most ? t('moods.own_many', { n: many, most }) : '',
    ]
      .filter(Boolean)
      .join(' ');
  }

  /** @param {Array<{number: number, words: string}>} remarks What to say below the box, of which lines. */
  function tell(remarks) {
    const sentences = remarks.sort((one, other) => one.number - other.number).map(({ words }) => words);
    if (sentences.join() === told) return;
    told = sentences.join();
    replace(said, ...sentences.map((words) => h('li', {}, words)));
  }

  /** Return what to say of a line that says nothing new. */
  function again({ number, of }) {
    if (typeof of === 'number') return { number, words: t('moods.own_again', { line: number, of }) };
    return { number, words: t('moods.own_chosen', { line: number, mood: moodName(of) }) };
  }

  /** Say what the model reads of lines, beside what is said of them already. */
  async function ask(own, before) {
    asking = new AbortController();
    const { signal } = asking;
    const subject = form.subject().trim().toLowerCase();
    const whole = (words) => (words.includes('{}') ? words.replaceAll('{}', subject) : `${subject} ${words}`);
    try {
      const body = { prompts: own.map(({ words }) => whole(words)) };
      const { data } = await call('POST', '/api/v1/prompts/check', { body, signal });
      if (!signal.aborted)
        tell([...before, ...data.flatMap((reading, i) => remarkOn(reading, subject, own[i].number))]);
    } catch {
      // A hint that does not come is none; whatever is wrong is said where something is drawn.
    }
  }

  function look() {
    clearTimeout(timer);
    asking.abort();
    const found = ownOf(input.value, form.chosen());
    const words = wrong(found);
    if (words) mistake.show(words);
    else mistake.clear();
    const before = found.repeated.map(again);
    tell(before);
    if (found.own.length && !words) timer = window.setTimeout(() => ask(found.own, before), TYPING_MS);
    return words;
  }

  input.addEventListener('input', () => (form.onchange(input.value), look()));
  const close = () => (clearTimeout(timer), asking.abort());
  return { element, look, complain: mistake.complain, clear: mistake.clear, close };
}
