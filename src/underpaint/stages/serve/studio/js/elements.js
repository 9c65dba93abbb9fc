/** Making elements: text becomes text, never markup, so nothing that somebody typed can become a part of the page. */

import { DRAWINGS } from './icons.js';

const SVG = 'http://www.w3.org/2000/svg';
const PROPERTIES = new Set(['checked', 'disabled', 'hidden', 'indeterminate', 'multiple', 'open', 'required', 'value']);

/**
 * Make an element.
 *
 * @param {string} tag Its name.
 * @param {Object<string, any>} [attributes] Attributes; `onclick` and the like take a function, `dataset` an object;
 *     null, undefined and false leave an attribute out.
 * @param {...any} children Nodes, texts, numbers or arrays of them; null, undefined and false are left out.
 * @returns {any} The element.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  // A value that lies outside the range of its element is cut to what the range is then, so ranges come first.
  const entries = Object.entries(attributes).sort(([a], [b]) => Number(a === 'value') - Number(b === 'value'));
  for (const [name, value] of entries) set(element, name, value);
  fill(element, children);
  return element;
}

/**
 * Replace what is in an element.
 *
 * @param {Element} element The element.
 * @param {...any} children As for `h`.
 */
export function replace(element, ...children) {
  element.replaceChildren();
  fill(element, children);
}

function fill(element, children) {
  const kept = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  element.append(...kept.map((child) => (child instanceof Node ? child : String(child))));
}

function set(element, name, value) {
  if (typeof value === 'function' && name.startsWith('on')) element.addEventListener(name.slice(2), value);
  else if (name === 'dataset') Object.assign(element.dataset, value);
  else if (PROPERTIES.has(name) && name in element) element[name] = value ?? '';
  else if (value !== null && value !== undefined && value !== false) {
    element.setAttribute(name, value === true ? '' : String(value));
  }
}

/**
 * Make an icon; it is decoration, so whatever it stands in needs words.
 *
 * @param {keyof typeof DRAWINGS} name One of `icons.js`.
 * @returns {SVGElement} The icon.
 */
export function icon(name) {
  const drawing = document.createElementNS(SVG, 'svg');
  for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true' })) {
    drawing.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', DRAWINGS[name]);
  drawing.append(path);
  return drawing;
}

/**
 * Make a button.
 *
 * @param {string} words What it says.
 * @param {() => any} onclick What it does.
 * @param {{icon?: keyof typeof DRAWINGS, kind?: 'main' | 'quiet' | 'danger', bare?: boolean, [name: string]: any}} [how]
 *     `bare` shows the icon alone and says the words to screen readers and as a tooltip; the rest are attributes.
 * @returns {HTMLButtonElement} The button.
 */
export function button(words, onclick, { icon: drawing, kind, bare = false, ...attributes } = {}) {
  const classes = ['button', kind, bare ? 'bare' : null].filter(Boolean).join(' ');
  const named = bare ? { 'aria-label': words, title: words } : {};
  return h(
    'button',
    { type: 'button', class: classes, onclick, ...named, ...attributes },
    drawing ? icon(drawing) : null,
    bare ? null : h('span', {}, words),
  );
}

let numbered = 0;

/**
 * Return an id that no other element has, to tie a label or a description to its element.
 *
 * @param {string} [about] Its beginning.
 * @returns {string} The id.
 */
export function freshId(about = 'part') {
  numbered += 1;
  return `${about}-${numbered}`;
}

/**
 * Let Enter in a box hand in its form, as a line break would mean nothing there; also while the button is held, since what
 * held it may be gone from words that nobody has looked at yet. An Enter that is held down hands it in once.
 *
 * @param {HTMLInputElement | HTMLTextAreaElement} input The box.
 */
export function enterSubmits(input) {
  input.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!event.repeat) input.form?.requestSubmit();
  });
}

/**
 * Make a field under its label, with a line that explains it.
 *
 * @param {string} label Its name.
 * @param {HTMLElement} control The input; it gets an id and a description.
 * @param {string} [about] What it means, in a sentence.
 * @returns {HTMLElement} Both, one above the other.
 */
export function field(label, control, about) {
  control.id ||= freshId('field');
  const hint = about ? h('p', { class: 'hint', id: `${control.id}-hint` }, about) : null;
  if (hint) control.setAttribute('aria-describedby', hint.id);
  return h('div', { class: 'field' }, h('label', { for: control.id }, label), control, hint);
}
