/** The place below a box that says what is wrong with it. */

import { h } from '../elements.js';
import { say } from '../notices.js';

/**
 * Make it.
 *
 * @param {HTMLElement} input The box.
 * @param {string} id Of the place, by which the box is described.
 * @returns {{element: HTMLElement, tell: (words: string) => void, complain: (words: string) => void, clear: () => void}} The
 *     place; `tell` says something while somebody writes, once they pause, or clears it for none, `complain` leads back to the
 *     box as well.
 */
export function mistakeBelow(input, id) {
  const element = h('p', { class: 'mistake', id });
  const clear = () => {
    element.textContent = '';
    input.removeAttribute('aria-invalid');
  };
  const tell = (words) => {
    if (!words) return clear();
    if (element.textContent !== words) say(words);
    element.textContent = words;
    input.setAttribute('aria-invalid', 'true');
  };
  const complain = (words) => {
    clear();
    tell(words);
    input.focus();
  };
  return { element, tell, complain, clear };
}
