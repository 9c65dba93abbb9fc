/** The form of a list: what is typed, pasted or brought as a file, and what the server thinks of it so far. */

import { button, field, freshId, h, icon, replace } from '../elements.js';
import { fail, note, sentence } from '../notices.js';
import { call } from '../server.js';
import { kept } from '../state.js';
import { span, styleName, t } from '../words.js';
import { choice } from './choices.js';

const TYPING_MS = 400;
const SHOWN_MISTAKES = 12;
const MOST_BYTES = 8 * 2 ** 20;
const COUNTS = [1, 2, 4];
const EMPTY = { text: '', name: '', style: /** @type {string | null} */ (null), n: 1 };

/** The list that is being written, kept over reloads. */
const draft = kept('list', EMPTY);

/**
 * Make the form.
 *
 * @param {import('../main.js').App} app The app.
 * @param {(body: any) => Promise<void>} handIn Hands in a list; what it throws is shown beside the list.
 * @returns {{element: HTMLElement, clear: () => void, close: () => void}} The form; `clear` empties it.
 */
export function listForm(app, handIn) {
  const verdict = h('div', { class: 'verdict', role: 'status' });
  const main = h(
    'button',
    { class: 'button main large', type: 'submit', disabled: true },
    icon('brush'),
    h('span', {}, t('lists.draw')),
  );
  const text = textBox((value) => (draft.change({ text: value }), look()));
  const name = h('input', {
    value: draft.value.name,
    maxlength: 200,
    autocomplete: 'off',
    placeholder: t('lists.name_open'),
  });
  name.addEventListener('input', () => draft.change({ name: name.value }));
  const model = app.capabilities.models.find((one) => one.is_default) ?? app.capabilities.models[0];
  const styles = [
    { value: null, words: t('style.any') },
    ...model.styles.map((value) => ({ value, words: styleName(value) })),
  ];
  const style = choice(
    t('create.style'),
    styles,
    draft.value.style,
    (value) => (draft.change({ style: value }), look()),
  );
  const count = choice(
    t('lists.count'),
    COUNTS.map((value) => ({ value, words: String(value) })),
    draft.value.n,
    (value) => (draft.change({ n: value }), look()),
  );
  const element = h(
    'form',
    { class: 'card list-form', novalidate: true, onsubmit: submitted },
    text.element,
    verdict,
    h(
      'div',
      { class: 'row wide' },
      model.styles.length ? style.element : null,
      count.element,
      field(t('lists.name'), name),
    ),
    h('div', { class: 'row spread' }, h('p', { class: 'hint' }, t('lists.about')), main),
  );
  let timer = 0;
  let asking = new AbortController();

  const body = () => {
    const { text: written, name: called, style: wanted, n } = draft.value;
    return { text: written, name: called, common: { ...(wanted ? { style: wanted } : {}), ...(n > 1 ? { n } : {}) } };
  };

  /** Look the list through once nothing was typed for a moment. */
  function look() {
    clearTimeout(timer);
    asking.abort();
    main.disabled = true;
    if (!draft.value.text.trim()) return replace(verdict);
    tell(t('lists.checking'));
    timer = window.setTimeout(check, TYPING_MS);
  }

  async function check() {
    asking = new AbortController();
    const { signal } = asking;
    try {
      const found = await call('POST', '/api/v1/batch-list/check', { body: body(), signal });
      if (signal.aborted) return;
      main.disabled = found.num_mistakes > 0 || found.pictures === 0;
      replace(
        verdict,
        found.num_mistakes
          ? mistakesOf(found, text.select, leaveOut)
          : h('p', {}, t('lists.good', { rows: found.rows, pictures: found.pictures, time: span(found.cost_ms) })),
      );
    } catch (error) {
      if (!signal.aborted) refuse(error);
    }
  }

  /** Say what is going on. */
  function tell(words) {
    replace(verdict, h('p', { class: 'soft' }, words));
  }

  function refuse(error) {
    if (!error.status) return fail(error);
    replace(verdict, h('p', { class: 'mistake' }, sentence(error.message)));
  }

  async function submitted(event) {
    event.preventDefault();
    if (main.disabled) return;
    main.disabled = true;
    tell(t('lists.sending'));
    try {
      await handIn(body());
    } catch (error) {
      main.disabled = false;
      refuse(error);
    }
  }

  /** Take lines out of the text; Undo puts it back as it was. */
  function leaveOut(lines) {
    const before = draft.value.text;
    const put = (value) => (text.set(value), draft.change({ text: value }), look());
    put(
      before
        .split('\n')
        .filter((_line, i) => !lines.has(i + 1))
        .join('\n'),
    );
    note(t('lists.left_out', { n: lines.size }), { action: t('undo'), onaction: () => put(before) });
  }

  function clear() {
    draft.change({ text: '', name: '' });
    text.set('');
    name.value = '';
    look();
  }

  look();
  return { element, clear, close: () => (clearTimeout(timer), asking.abort()) };
}

/** Make the box for the list, which takes files too. */
function textBox(onchange) {
  const id = freshId('list');
  const input = h('textarea', {
    id,
    rows: 8,
    spellcheck: 'false',
    autocomplete: 'off',
    wrap: 'off',
    value: draft.value.text,
    placeholder: t('lists.placeholder'),
    'aria-describedby': `${id}-hint`,
  });
  input.addEventListener('input', () => onchange(input.value));
  const set = (value) => (input.value = value);
  const take = async (file) => {
    if (!file) return;
    if (file.size > MOST_BYTES) return fail(t('lists.large', { name: file.name }));
    set(await file.text());
    onchange(input.value);
    input.focus();
  };
  const chosen = h('input', {
    type: 'file',
    accept: '.csv,.tsv,.txt,text/csv,text/plain',
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
      shown.map(({ line, message }) =>
        h(
          'li',
          {},
          line ? button(t('lists.line', { n: line }), () => select(line), { kind: 'quiet' }) : null,
          h('span', {}, sentence(message)),
        ),
      ),
    ),
    rest > 0 ? h('p', { class: 'soft' }, t('lists.more_mistakes', { n: rest })) : null,
    isAllThere ? button(t('lists.leave_out', { n: lines.size }), () => leaveOut(lines), { icon: 'minus' }) : null,
  ];
}
