/** The place below a box that says what is wrong with it. */

import { h } from '../elements.js';
import { say } from '../notices.js';

/**
 * Make it.
 *
 * @param {HTMLElement} input The box.
 * @param {string} id Of the place, by which the box is described.
 * @returns {{element: HTMLElement, show: (words: string) => void, complain: (words: string) => void, clear: () => void}} The
 *     place; `show` says something while somebody writes, `complain` leads back to the box as well.
 */
export function mistakeBelow(input, id) {
  const element = h('p', { class: 'mistake', id, role: 'alert' });
  const clear = () => {
    element.textContent = '';
    input.removeAttribute('aria-invalid');
  };
  const show = (words) => {
    if (element.textContent !== words) element.textContent = words;
    input.setAttribute('aria-invalid', 'true');
  };
  const complain = (words) => {
    show(words);
    input.focus();
    say(words);
  };
  return { element, show, complain, clear };
}
