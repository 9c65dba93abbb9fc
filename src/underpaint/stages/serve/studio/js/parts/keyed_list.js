/** A list whose rows stay the same elements while it changes, so that neither focus nor place is lost. */

import { h } from '../elements.js';

/**
 * @template T
 * @typedef {object} Row
 * @property {HTMLElement} element A list item.
 * @property {(value: T) => void} set Shows a value.
 */

/**
 * Make a list.
 *
 * @template T
 * @param {(id: string) => Row<T>} make Makes the row of an id.
 * @param {Object<string, any>} [attributes] Of the list.
 * @returns {{element: HTMLOListElement, show: (entries: Array<{id: string, value: T}>) => void}} The list.
 */
export function keyedList(make, attributes = {}) {
  const element = h('ol', attributes);
  /** @type {Map<string, Row<T>>} */
  let rows = new Map();

  function show(entries) {
    const hadFocus = element.contains(document.activeElement);
    const before = rows;
    rows = new Map(entries.map(({ id }) => [id, before.get(id) ?? make(id)]));
    for (const [id, row] of before) if (!rows.has(id)) row.element.remove();
    entries.forEach(({ id, value }, i) => {
      const row = /** @type {Row<T>} */ (rows.get(id));
      row.set(value);
      if (element.children[i] !== row.element) place(row.element, i);
    });
    if (hadFocus && !element.contains(document.activeElement)) element.querySelector('button')?.focus();
  }

  /** Put a row into its place; whatever moves loses the focus, so it is given back. */
  function place(row, i) {
    const focused = row.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
    element.insertBefore(row, element.children[i] ?? null);
    focused?.focus();
  }

  return { element, show };
}
