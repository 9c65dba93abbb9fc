/** One of some: radio buttons that look like chips, and a number between two ends. */

import { field, freshId, h } from '../elements.js';

/**
 * Make a choice of one of some values.
 *
 * @template T
 * @param {string} legend What is chosen.
 * @param {Array<{value: T, words: string}>} options The values and what they are called.
 * @param {T} value The one that is chosen.
 * @param {(value: T) => void} onchange Told of another.
 * @returns {{element: HTMLElement, set: (value: T) => void}} The choice; `set` chooses without telling.
 */
export function choice(legend, options, value, onchange) {
  const name = freshId('choice');
  const inputs = options.map((option) =>
    h('input', {
      type: 'radio',
      name,
      checked: option.value === value,
      onchange: () => onchange(option.value),
    }),
  );
  const chips = options.map((option, i) => h('label', { class: 'chip' }, inputs[i], h('span', {}, option.words)));
  const element = h('fieldset', { class: 'choice' }, h('legend', {}, legend), h('div', { class: 'chips' }, chips));
  const set = (wanted) => inputs.forEach((input, i) => (input.checked = options[i].value === wanted));
  return { element, set };
}

/**
 * Make a slider whose middle of things is the model's own value.
 *
 * @param {string} label What it sets.
 * @param {{low: number, high: number, default: number | null, step?: number}} range Its ends.
 * @param {{value: number | null, about: string, usual: string, onchange: (value: number | null) => void}} how `usual` is said for
 *     null, which stands for the model's own value.
 * @returns {{element: HTMLElement, set: (value: number | null) => void}} The slider.
 */
export function slider(label, range, { value, about, usual, onchange }) {
  const step = range.step ?? (range.high - range.low > 4 ? 0.5 : 0.05);
  const start = range.default ?? range.low;
  const input = h('input', { type: 'range', min: range.low, max: range.high, step, value: value ?? start });
  const shown = h('output', { class: 'soft' });
  const say = (now) => {
    shown.textContent = now === null ? usual : String(now);
    input.setAttribute('aria-valuetext', now === null ? usual : String(now));
  };
  input.addEventListener('input', () => {
    const now = Number(input.value) === start ? null : Number(input.value);
    say(now);
    onchange(now);
  });
  say(value);
  const element = field(label, input, about);
  element.querySelector('label')?.append(' ', shown);
  return { element, set: (now) => ((input.value = String(now ?? start)), say(now)) };
}
