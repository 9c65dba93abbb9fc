/** What shall become of the picture: words, style, how much may change, how many. */

import { field, freshId, h, icon } from '../elements.js';
import { draft } from '../edit_draft.js';
import { modelOf } from '../form.js';
import { t } from '../words.js';
import { choice, slider } from './choices.js';
import { mistakeBelow } from './mistake.js';
import { modelAndStyle } from './who_draws.js';
import { hintBelow } from './word_hints.js';

const COUNTS = [1, 2, 4, 8];
const STRENGTH = { low: 0, high: 1, default: 0.5, step: 0.05 };

/**
 * Make the form.
 *
 * @param {import('../main.js').App} app The app.
 * @param {any[]} models Rows of `capabilities.models` that can draw a picture anew.
 * @param {() => void} draw Draws.
 * @returns {{element: HTMLElement, show: () => void, check: () => boolean, close: () => void}} The form; `show` shows the
 *     draft, `check` says whether it can be drawn, and tells what is missing or cannot be read.
 */
export function editForm(app, models, draw) {
  const id = freshId('edit');
  const prompt = h('textarea', {
    id,
    rows: 2,
    maxlength: 400,
    autocomplete: 'off',
    enterkeyhint: 'go',
    placeholder: t('edit.placeholder'),
    'aria-describedby': `${id}-hint ${id}-mistake`,
  });
  const mistake = mistakeBelow(prompt, `${id}-mistake`);
  const hint = hintBelow(app, `${id}-hint`, t('edit.hint'), {
    models: () => [modelOf({ models }, draft.value.model).name],
    ontrouble: (words) => (mistake.tell(words), (main.disabled = Boolean(words))),
  });
  prompt.addEventListener('input', () => {
    mistake.tell(hint.trouble());
    draft.change({ prompt: prompt.value });
    hint.look(prompt.value);
  });
  prompt.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    element.requestSubmit();
  });
  const who = modelAndStyle(
    models,
    () => draft.value,
    (fields) => (draft.change(fields), hint.look(prompt.value)),
  );
  const counts = COUNTS.filter((n) => n <= app.capabilities.limits.n).map((value) => ({ value, words: String(value) }));
  const count = choice(t('create.count'), counts, draft.value.count, (value) => draft.change({ count: value }));
  const strength = slider(t('edit.strength'), STRENGTH, {
    value: draft.value.strength,
    about: t('edit.strength_about'),
    usual: t('more.usual'),
    onchange: (value) => draft.change({ strength: value }),
  });
  const negative = h('input', { maxlength: 400, autocomplete: 'off', placeholder: t('edit.negative_open') });
  negative.addEventListener('input', () => draft.change({ negative: negative.value }));

  function check() {
    const wrong = draft.value.prompt.trim() ? hint.refusal() : t('edit.no_words');
    if (wrong) mistake.complain(wrong);
    return !wrong;
  }

  function show() {
    if (prompt.value !== draft.value.prompt) (mistake.clear(), hint.look('')); // what was said was said of other words
    prompt.value = draft.value.prompt;
    hint.look(prompt.value);
    negative.value = draft.value.negative;
    who.set();
    count.set(draft.value.count);
    strength.set(draft.value.strength);
  }

  const submitted = (event) => (event.preventDefault(), check() && draw());
  const main = h(
    'button',
    { class: 'button main large', type: 'submit' },
    icon('brush'),
    h('span', {}, t('edit.draw')),
  );
  const element = h(
    'form',
    { class: 'card ask edit-form', novalidate: true, onsubmit: submitted },
    h(
      'div',
      { class: 'prompt' },
      h('h2', {}, h('label', { for: id }, t('edit.question'))),
      prompt,
      mistake.element,
      hint.element,
    ),
    who.style,
    strength.element,
    count.element,
    h(
      'details',
      {},
      h('summary', {}, icon('down'), h('span', {}, t('more.title'))),
      h('div', { class: 'grid' }, field(t('edit.negative'), negative, t('edit.negative_about')), who.model),
    ),
    main,
  );
  show();
  return { element, show, check, close: hint.close };
}
