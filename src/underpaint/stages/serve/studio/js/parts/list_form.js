/** The form of a list: what is typed, pasted or brought as a file, and what the server thinks of it so far. */

import { button, field, h, icon, replace } from '../elements.js';
import { fieldsOf, modelOf } from '../form.js';
import { checkList, isFresh } from '../list_check.js';
import { fail, note, over, sentence } from '../notices.js';
import { Unreachable, overLosses } from '../server.js';
import { kept } from '../state.js';
import { t } from '../words.js';
import { choice } from './choices.js';
import { listText } from './list_text.js';
import { progressOf, verdictOf } from './list_verdict.js';
import { modelAndStyle } from './who_draws.js';

const TYPING_MS = 400;
/** How often a list is sent to be looked through when the answer breaks off. */
const MOST_TRIES = 3;
const COUNTS = [1, 2, 4];
const EMPTY = {
  text: '',
  name: '',
  model: /** @type {string | null} */ (null),
  style: /** @type {string | null} */ (null),
  n: 1,
};

/** The list that is being written, kept over reloads. */
const draft = kept('list', EMPTY);

/**
 * Make the form.
 *
 * @param {import('../main.js').App} app The app.
 * @param {(body: any) => Promise<void>} handIn Hands in a list; what it throws is shown beside the list.
 * @returns {{element: HTMLElement, clear: (sent: string) => void, close: () => void}} The form; `clear` empties it
 *     unless something else was written meanwhile.
 */
export function listForm(app, handIn) {
  const verdict = h('div', { class: 'verdict', role: 'status' });
  const main = h(
    'button',
    { class: 'button main large', type: 'submit', disabled: true },
    icon('brush'),
    h('span', {}, t('lists.draw')),
  );
  const text = listText(draft.value.text, (value) => (draft.change({ text: value }), look()));
  const name = h('input', {
    value: draft.value.name,
    maxlength: 200,
    autocomplete: 'off',
    placeholder: t('lists.name_open'),
  });
  name.addEventListener('input', () => draft.change({ name: name.value }));
  const { models } = app.capabilities;
  const who = modelAndStyle(
    models,
    () => draft.value,
    (fields) => (draft.change(fields), look()),
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
    h('div', { class: 'row wide' }, who.style, count.element, field(t('lists.name'), name), who.model),
    h('div', { class: 'row spread' }, h('p', { class: 'hint' }, t('lists.about')), main),
  );
  let timer = 0;
  let asking = new AbortController();

  const body = () => {
    const { text: written, name: called, model, style, n } = draft.value;
    const drawnBy = modelOf({ models }, model);
    const common = {
      ...fieldsOf(drawnBy),
      ...(drawnBy.styles.includes(style) ? { style } : {}),
      ...(n > 1 ? { n } : {}),
    };
    return { text: written, name: called, common };
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

  /** Look the list through and show what was found; say whether it can be drawn. */
  async function check() {
    asking = new AbortController();
    const { signal } = asking;
    const progress = progressOf(t('lists.checking'), () => (asking.abort(), pause()));
    replace(verdict, progress.element);
    try {
      const found = await overLosses(
        () => checkList(body(), { signal, onprogress: progress.tell }),
        signal,
        MOST_TRIES,
      );
      if (!found) return false;
      main.disabled = found.num_mistakes > 0 || found.pictures === 0;
      replace(verdict, verdictOf(found, { select: text.select, leaveOut }));
      return !main.disabled;
    } catch (error) {
      if (!signal.aborted) error instanceof Unreachable ? offer(t('lists.broke_off')) : refuse(error);
      return false;
    }
  }

  /** Wait until somebody wants the list looked through after all. */
  function pause() {
    offer();
    verdict.querySelector('button')?.focus();
  }

  function offer(words = '') {
    replace(verdict, words && h('p', { class: 'mistake' }, words), button(t('lists.check'), check, { icon: 'search' }));
  }

  /** Say what is going on. */
  function tell(words) {
    replace(verdict, h('p', { class: 'soft' }, words));
  }

  function refuse(error) {
    replace(verdict, h('p', { class: 'mistake' }, sentence(error.message)));
  }

  async function submitted(event) {
    event.preventDefault();
    if (main.disabled) return;
    main.disabled = true;
    if (!isFresh(body()) && !(await check())) return;
    main.disabled = true;
    tell(t('lists.sending'));
    over('lists.hand_in');
    // Whatever is changed in the list meanwhile is looked through in its turn, and has a verdict of its own.
    const { signal } = asking;
    try {
      await handIn(body());
    } catch (error) {
      if (signal.aborted) return fail(error, 'lists.hand_in');
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

  function clear(sent) {
    if (draft.value.text !== sent) return;
    draft.change({ text: '', name: '' });
    text.set('');
    name.value = '';
    look();
  }

  look();
  return { element, clear, close: () => (clearTimeout(timer), asking.abort()) };
}
