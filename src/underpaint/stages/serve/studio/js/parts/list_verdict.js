/** What the server thinks of a list: how much it is, every mistake with its line, how its words are read. */

import { button, h, icon } from '../elements.js';
import { sentence } from '../notices.js';
import { span, t } from '../words.js';
import { hintsOf } from './word_hints.js';

const SHOWN_MISTAKES = 12;
const SHOWN_HINTS = 30;

/**
 * Return what is said of a list.
 *
 * @param {any} found As `POST /api/v1/batch-list/check` answers.
 * @param {{select: (line: number) => void, leaveOut: (lines: Set<number>) => void}} use `select` shows a line, `leaveOut` takes
 *     lines out of the list.
 * @returns {any[]} Parts of the page.
 */
export function verdictOf(found, { select, leaveOut }) {
  if (found.num_mistakes) return mistakesOf(found, select, leaveOut);
  const values = { rows: found.rows, pictures: found.pictures, time: span(found.cost_ms) };
  return [h('p', {}, t('lists.good', values)), hintsFor(found.hints, select)];
}

/**
 * Return how far a list is looked through, with a way to give that up.
 *
 * @param {string} words What is going on.
 * @param {() => void} onstop Gives it up.
 * @returns {{element: HTMLElement, tell: (rows: number, of: number) => void}} The part; `tell` shows how far it is.
 */
export function progressOf(words, onstop) {
  const said = h('p', { class: 'soft' }, words);
  const bar = h('progress', { 'aria-label': words, hidden: true });
  const stop = button(t('lists.stop'), onstop, { icon: 'close', hidden: true });
  const tell = (rows, of) => {
    if (!rows) return;
    bar.hidden = stop.hidden = false;
    bar.max = of;
    bar.value = rows;
    said.textContent = t('lists.checked', { rows, of });
  };
  return { element: h('div', { class: 'row spread looking' }, h('div', {}, said, bar), stop), tell };
}

function hintsFor(hints, select) {
  if (!hints.length) return null;
  const shown = hints.slice(0, SHOWN_HINTS);
  return h(
    'details',
    { class: 'hints', open: hints.length === 1 },
    h('summary', {}, icon('down'), h('span', {}, t('hints.lines', { n: hints.length }))),
    h(
      'ul',
      { class: 'mistakes' },
      shown.map((one) => row(one.line, hintsOf(one).join(' '), select)),
    ),
  );
}

function row(line, words, select) {
  const found = line ? button(t('lists.line', { n: line }), () => select(line), { kind: 'quiet' }) : null;
  return h('li', {}, found, h('span', {}, words));
}

/** Return what is wrong as a sentence; the column that it begins with stays as it is written in the list. */
function mistakeOf({ message, param }) {
  const isNamed = param && message.startsWith(`${param} `);
  return sentence(isNamed ? `“${param}”${message.slice(param.length)}` : message);
}

function mistakesOf(found, select, leaveOut) {
  const shown = found.mistakes.slice(0, SHOWN_MISTAKES);
  const rest = found.num_mistakes - shown.length;
  const lines = new Set(found.mistakes.map(({ line }) => line));
  const isAllThere =
    found.mistakes.length === found.num_mistakes && found.pictures > 0 && !lines.has(null) && !lines.has(1);
  return [
    h('p', { class: 'mistake' }, t('lists.mistakes', { n: found.num_mistakes })),
    h(
      'ul',
      { class: 'mistakes' },
      shown.map((one) => row(one.line, mistakeOf(one), select)),
    ),
    rest > 0 ? h('p', { class: 'soft' }, t('lists.more_mistakes', { n: rest })) : null,
    isAllThere ? button(t('lists.leave_out', { n: lines.size }), () => leaveOut(lines), { icon: 'minus' }) : null,
  ];
}
