/** The box for a list, typed, pasted or brought as a file, in which a line is found again. */

import { button, freshId, h } from '../elements.js';
import { fail, over } from '../notices.js';
import { t } from '../words.js';

const MOST_BYTES = 8 * 2 ** 20;

/**
 * Make the box.
 *
 * @param {string} value What is in it at first.
 * @param {(value: string) => void} onchange Told of every change.
 * @returns {{element: HTMLElement, set: (value: string) => void, select: (line: number) => void}} The box; `select` shows a line.
 */
export function listText(value, onchange) {
  const id = freshId('list');
  const input = h('textarea', {
    id,
    rows: 8,
    spellcheck: 'false',
    autocomplete: 'off',
    wrap: 'off',
    value,
    placeholder: t('lists.placeholder'),
    'aria-describedby': `${id}-hint`,
  });
  input.addEventListener('input', () => onchange(input.value));
  const set = (text) => (input.value = text);
  const take = async (file) => {
    if (!file) return;
    over('lists.file');
    if (file.size > MOST_BYTES) return fail(t('lists.large', { name: file.name }), 'lists.file');
    const text = await file.text();
    if (/[\0\ufffd]/.test(text)) return fail(t('lists.unreadable', { name: file.name }), 'lists.file');
    set(text);
    onchange(input.value);
    input.focus();
  };
  const chosen = h('input', {
    type: 'file',
    accept: '.csv,.tsv,.txt,.jsonl,text/csv,text/plain',
    hidden: true,
    'aria-label': t('lists.file'),
  });
  chosen.addEventListener('change', () => (take(chosen.files?.[0]), (chosen.value = '')));
  input.addEventListener('drop', (event) => {
    const [file] = event.dataTransfer?.files ?? [];
    if (!file) return;
    event.preventDefault();
    take(file);
  });
  const element = h(
    'div',
    { class: 'list-text' },
    h(
      'div',
      { class: 'row spread' },
      h('label', { for: id }, t('lists.label')),
      button(t('lists.file'), () => chosen.click(), { icon: 'upload' }),
      chosen,
    ),
    input,
    h('p', { class: 'hint', id: `${id}-hint` }, t('lists.hint')),
  );

  /** Select a line, so that a mistake is found. */
  const select = (line) => {
    const lines = input.value.split('\n');
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    input.focus();
    input.setSelectionRange(start, start + (lines[line - 1] ?? '').length);
    input.scrollTop = (input.scrollHeight / lines.length) * Math.max(line - 3, 0);
  };
  return { element, set, select };
}
