/** The box for moods in words of one's own: a line each, with what is wrong with lines, and what the model reads of them. */

import { field, h, replace } from '../elements.js';
import { sentence } from '../notices.js';
import { call } from '../server.js';
import { moodName, t } from '../words.js';
import { mistakeBelow } from './mistake.js';
import { hintsOf } from './word_hints.js';

const TYPING_MS = 500;
const SHOWN = 10;

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

/**
 * Say which lines mean the picture of a mood before them.
 *
 * @param {Line[]} own The lines.
 * @param {Array<string | null>} sameAs For each the mood or line that means the same, as the server told.
 * @returns {Array<Line & {of: number | string}>} Such lines; `of` is the number of the first such line, or a mood.
 */
function alikeOf(own, sameAs) {
  const numbers = new Map(own.map(({ words, number }) => [words, number]));
  return own.flatMap((line, i) => (sameAs[i] === null ? [] : [{ ...line, of: numbers.get(sameAs[i]) ?? sameAs[i] }]));
}

/** Return how many characters words have, as the server counts: a sign beyond the first 65,536 is one. */
function lengthOf(words) {
  return [...words].length;
}

/** Return the first of some sentences, and how many more there are. */
function firstOf(sentences) {
  const rest = sentences.length - SHOWN;
  return rest > 0 ? [...sentences.slice(0, SHOWN), t('moods.own_more', { n: rest })] : sentences;
}

/** Return what there is to say of how a line is read. */
function remarkOn(reading, number) {
  const words = hintsOf(reading).join(' ');
  return words ? [{ number, words: t('moods.own_line', { line: number, words }) }] : [];
}

/** Return what to say of a line that says the same as another line or a mood (`again`), or means the same picture (`same`). */
function repeatOf({ number, of }, how) {
  const isLine = typeof of === 'number';
  const key = `moods.own_${how}.${isLine ? 'line' : 'mood'}`;
  return { number, words: t(key, { line: number, ...(isLine ? { of } : { mood: moodName(of) }) }) };
}

/**
 * Make the box.
 *
 * @param {import('../main.js').App} app The app.
 * @param {{text: () => string, subject: () => string, chosen: () => string[], model: () => any,
 *     onchange: (text: string) => void, oncount: () => void}} form What stands in the form now, and which model reads;
 *     `onchange` is told what was written, `oncount` that it is known how many pictures are meant.
 * @returns {{element: HTMLElement, look: () => void, isWrong: () => boolean, refusal: () => string,
 *     count: () => {n: number, isSure: boolean}, complain: (words: string) => void, refused: (words: string) => Promise<void>,
 *     close: () => void}} The box; `look` looks at it anew once nothing changes any more, `isWrong` says whether something keeps it
 *     from being drawn as far as is known, `refusal` what is wrong with these very words, `count` how many moods are meant, or at
 *     most; `refused` tells what the server refused, by its lines if these are found wrong.
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
  /** Which lines mean a picture that is meant already, of a form as it stood when the server was asked. */
  let known = { asked: '', alike: /** @type {Array<Line & {of: number | string}>} */ ([]) };
  /** @type {Map<string, string>} Why lines cannot be drawn, by their words. */
  let troubles = new Map();
  let troubled = ''; // what `troubles` were told of
  /** What the server refused, which stands until something changes. */
  let refused = '';

  const found = () => ownOf(input.value, form.chosen());
  /** Return what tells which lines mean the same picture. */
  const askedOf = (own) => ({
    prompts: own.map(({ words }) => words),
    subject: form.subject().trim(),
    moods: form.chosen(),
  });

  /** Return how many moods lines and the chosen ones are; at most, where the server has not told which mean the same. */
  function countOf(own) {
    const n = form.chosen().length + own.length;
    if (own.length === 0 || n === 1) return { n, isSure: true };
    if (known.asked !== JSON.stringify(askedOf(own))) return { n, isSure: false };
    return { n: n - known.alike.length, isSure: true };
  }

  /** Return what tells whether lines can be drawn, beside their own words. */
  const besides = () => JSON.stringify([form.subject().trim(), form.model().name]);
  const isLong = ({ words }) => lengthOf(words) > longest;

  /** Return what is wrong with a line; nothing if nothing is. */
  function wrongOf({ number, words }) {
    if (isLong({ words })) return t('moods.own_long', { line: number, n: lengthOf(words), most: longest });
    const trouble = troubles.get(words);
    return trouble ? t('moods.own_line', { line: number, words: sentence(trouble) }) : '';
  }

  /** Return what is surely wrong with the lines. */
  function wrong() {
    const { own } = found();
    const { n, isSure } = countOf(own);
    const sentences = own.map(wrongOf).filter(Boolean);
    return [...firstOf(sentences), isSure && n > most ? t('moods.own_many', { n, most }) : '']
      .filter(Boolean)
      .join(' ');
  }
  const isWrong = () => wrong() !== '';

  /** Return what is wrong with the lines of this very form; a line that nobody has looked at yet may be drawn. */
  const refusal = () => (troubled === besides() || found().own.some(isLong) ? wrong() : '');

  /** @param {Array<{number: number, words: string}>} remarks What to say below the box, of which lines. */
  function tell(remarks) {
    const sentences = firstOf(remarks.sort((one, other) => one.number - other.number).map(({ words }) => words));
    if (sentences.join() === told) return;
    told = sentences.join();
    replace(said, ...sentences.map((words) => h('li', {}, words)));
  }

  /** Say what the model reads of lines and which of them mean the same picture, beside what is said of them already. */
  async function ask(own, before) {
    asking = new AbortController();
    const { signal } = asking;
    let remarks = [];
    try {
      const asked = askedOf(own);
      const body = { ...asked, model: form.model().name };
      const about = besides();
      const { data, same_as: sameAs } = await call('POST', '/api/v1/prompts/check', { body, signal });
      const alike = alikeOf(own, sameAs);
      if (signal.aborted) return;
      known = { asked: JSON.stringify(asked), alike };
      troubles = new Map(own.map(({ words }, i) => [words, data[i].trouble ?? '']));
      troubled = about;
      form.oncount();
      mistake.tell(wrong() || refused);
      remarks = data.flatMap((reading, i) => remarkOn(reading, own[i].number));
      remarks.push(...alike.map((line) => repeatOf(line, 'same')));
    } catch {
      // A hint that does not come is none; whatever is wrong is said where something is drawn.
    }
    if (!signal.aborted) tell([...before, ...remarks]);
  }

  const stop = () => (clearTimeout(timer), asking.abort());

  function check() {
    stop();
    const { own, repeated } = found();
    mistake.tell(wrong() || refused);
    const before = repeated.map((line) => repeatOf(line, 'again'));
    if (!own.length || own.some(isLong)) tell(before);
    else return ask(own, before);
  }

  function look() {
    stop();
    refused = '';
    timer = window.setTimeout(check, TYPING_MS);
  }

  function complain(words) {
    refused = words;
    mistake.complain(words);
  }

  /** Tell what the server refused of the lines joined with the subject; nothing once somebody writes on. */
  async function refuse(words) {
    const asked = input.value;
    await check();
    if (input.value === asked) complain(wrong() || words);
  }

  const count = () => countOf(found().own);
  input.addEventListener('input', () => (form.onchange(input.value), look()));
  return { element, look, isWrong, refusal, count, complain, refused: refuse, close: stop };
}
