/** What the page tells: a line for screen readers, notes that can be undone, errors that stay, questions. */

import { button, freshId, h, icon, replace } from './elements.js';
import { Unreachable } from './server.js';
import { t } from './words.js';

const NOTE_MS = 9000;
const ERROR_MS = 30_000;
const isNarrow = matchMedia('(max-width: 46rem)');
const GAP_PX = 12;

const line = h('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
const older = h('p', { class: 'older', hidden: true });
const notes = h('div', { class: 'notes', role: 'region', 'aria-label': t('notices.region') }, older);

/** Put the places of the notices into the page. */
export function placeNotices() {
  document.body.append(notes, line);
  new ResizeObserver(makeRoom).observe(notes);
}

/**
 * Say something to those who listen to the page; it is not shown.
 *
 * @param {string} words What to say.
 */
export function say(words) {
  line.textContent = '';
  setTimeout(() => (line.textContent = words), 50);
}

/**
 * Show a note for some seconds; it waits while somebody is at it.
 *
 * @param {string} words What it says.
 * @param {{action?: string, onaction?: () => any, icon?: string}} [how] A button in it, such as Undo.
 * @returns {() => void} Takes it away.
 */
export function note(words, { action, onaction, icon: drawing = 'check' } = {}) {
  const acted = () => (close(), onaction?.());
  const element = h(
    'div',
    { class: 'note', role: 'status' },
    icon(/** @type {any} */ (drawing)),
    h('p', {}, words),
    action ? button(action, acted, { kind: 'quiet' }) : null,
    button(t('close'), () => close(), { icon: 'close', bare: true }),
  );
  const close = shown(element);
  closeAfter(element, NOTE_MS, close);
  return close;
}

/** Take a note away after some time; as long as somebody is at it, it stays. */
function closeAfter(element, ms, close) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  const start = () => (stop(), (timer = window.setTimeout(close, ms)));
  for (const name of ['pointerenter', 'focusin']) element.addEventListener(name, stop);
  for (const name of ['pointerleave', 'focusout']) element.addEventListener(name, start);
  start();
}

/**
 * Show what went wrong for long enough to be read; the same words are shown once.
 *
 * @param {any} error An error, or words.
 * @param {string} [about] What was tried: its next try ends this notice, see `over`.
 */
export function fail(error, about = '') {
  if (error?.name === 'AbortError') return;
  const words = sentence(error instanceof Error ? error.message : String(error));
  const others = /** @type {HTMLElement[]} */ ([...notes.querySelectorAll('.note.error')]);
  const same = others.find((one) => one.querySelector('p')?.textContent === words);
  if (same && !same.hidden) return;
  same?.remove();
  const element = h(
    'div',
    { class: 'note error', role: 'alert', dataset: { about, ...(error instanceof Unreachable ? { lost: '' } : {}) } },
    icon('warning'),
    h('p', {}, words),
    button(t('close'), () => close(), { icon: 'close', bare: true }),
  );
  const close = shown(element);
  closeAfter(element, ERROR_MS, close);
}

/**
 * End the errors of a former try, since it is tried again; or all, since another view is shown.
 *
 * @param {string} [about] What is tried.
 */
export function over(about) {
  for (const one of notes.querySelectorAll('.note.error'))
    if (about === undefined || /** @type {HTMLElement} */ (one).dataset.about === about) one.remove();
  fold();
}

/** End what says that the server does not answer, since it does again. */
export function answeredAgain() {
  for (const one of notes.querySelectorAll('.note.error[data-lost]')) one.remove();
  fold();
}

/**
 * Try something: the error of its former try ends, and its own is shown.
 *
 * @param {string} about What is tried.
 * @param {() => any} work Does it.
 * @returns {Promise<boolean>} Whether it went well.
 */
export async function tried(about, work) {
  over(about);
  try {
    await work();
    return true;
  } catch (error) {
    fail(error, about);
    return false;
  }
}

/**
 * Return a message as a sentence.
 *
 * @param {string} words The message.
 * @returns {string} With a capital and an end.
 */
export function sentence(words) {
  const text = words.trim();
  return text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.') : '';
}

function shown(element) {
  notes.append(element);
  fold();
  return () => (element.remove(), fold());
}

/** Show the latest notices, and how many others there are. */
function fold() {
  const all = /** @type {HTMLElement[]} */ ([...notes.querySelectorAll('.note')]);
  const folded = Math.max(0, all.length - (isNarrow.matches ? 1 : 2));
  all.forEach((one, i) => (one.hidden = i < folded));
  older.hidden = folded === 0;
  older.textContent = t('notices.older', { n: folded });
}

/** Let the page end below the notices, and what sticks to its lower edge stand above them. */
function makeRoom() {
  const { top, left, right, height } = notes.getBoundingClientRect();
  const isOverPage = height > 0 && notes.parentElement === document.body;
  document.documentElement.style.setProperty('--notes', isOverPage ? `${height + GAP_PX}px` : '0px');
  if (!isOverPage) return;
  const hidden = [...document.querySelectorAll('main .button.main, main .bar')]
    .map((one) => one.getBoundingClientRect())
    .filter((box) => box.height && box.top < innerHeight && box.left < right && box.right > left)
    .map((box) => box.bottom + GAP_PX - top);
  if (Math.max(0, ...hidden) > 0) scrollBy({ top: Math.max(...hidden), behavior: 'instant' });
}

/**
 * Open a dialog; Escape and the button close it, and the focus goes back to where it was.
 *
 * @param {string} title What it is about.
 * @param {any} content A node, or a function that is given `close` and returns one.
 * @param {{wide?: boolean, onclose?: () => void}} [how] `wide` gives it more room.
 * @returns {{element: HTMLDialogElement, close: () => void}} The dialog.
 */
export function openDialog(title, content, { wide = false, onclose } = {}) {
  const id = freshId('dialog');
  const body = h('div', { class: 'dialog-body' });
  const dialog = h(
    'dialog',
    { class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': id },
    h(
      'div',
      { class: 'dialog-head' },
      h('h2', { id }, title),
      button(t('close'), () => dialog.close(), { icon: 'close', bare: true }),
    ),
    body,
  );
  const close = () => dialog.close();
  replace(body, typeof content === 'function' ? content(close) : content);
  dialog.addEventListener('click', (event) => event.target === dialog && close());
  dialog.addEventListener('close', () => (dialog.remove(), onclose?.()));
  document.body.append(dialog);
  // What is shown above the page must lie in it, or nobody could see or hear it.
  dialog.showModal();
  dialog.append(notes, line);
  dialog.addEventListener('close', () => (document.querySelector('dialog[open]') ?? document.body).append(notes, line));
  return { element: dialog, close };
}

/**
 * Ask a question that can be answered with yes or no.
 *
 * @param {string} title The question.
 * @param {{about?: string, yes: string, danger?: boolean}} how `yes` is what the button says.
 * @returns {Promise<boolean>} The answer; closing the dialog is no.
 */
export function ask(title, { about, yes, danger = false }) {
  return new Promise((resolve) => {
    let answer = false;
    const settle = (close, value) => ((answer = value), close());
    openDialog(
      title,
      (close) =>
        h(
          'div',
          { class: 'question' },
          about ? h('p', {}, about) : null,
          h(
            'div',
            { class: 'row end' },
            button(t('no'), () => settle(close, false)),
            button(yes, () => settle(close, true), { kind: danger ? 'danger' : 'main' }),
          ),
        ),
      { onclose: () => resolve(answer) },
    );
  });
}
