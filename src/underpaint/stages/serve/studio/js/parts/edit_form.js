/** What shall become of the picture: words, style, how much may change, how many. */

import { enterSubmits, field, freshId, h, icon } from '../elements.js';
import { draft } from '../edit_draft.js';
import { modelOf } from '../form.js';
import { sentence } from '../notices.js';
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
 * @returns {{element: HTMLElement, show: () => void, check: () => boolean, close: () => void,
 *     refused: (error: any, request: Object<string, any>) => boolean}} The form; `show` shows the draft, `check` says whether it
 *     can be drawn, and tells what is missing or cannot be read; `refused` tells what the server refused of a box as long as it
 *     holds those words, and says whether it did.
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
  const readers = () => [modelOf({ models }, draft.value.model).name];
  const hold = () => (main.disabled = Boolean(hint.trouble() || negative.trouble()));
  const hint = hintBelow(app, `${id}-hint`, t('edit.hint'), {
    models: readers,
    ontrouble: (words) => (mistake.tell(words), hold()),
  });
  prompt.addEventListener('input', () => {
    mistake.tell(hint.trouble());
    draft.change({ prompt: prompt.value });
    hint.look(prompt.value);
  });
  enterSubmits(prompt);
  const who = modelAndStyle(
    models,
    () => draft.value,
    (fields) => (draft.change(fields), hint.look(prompt.value), negative.look()),
  );
  const counts = COUNTS.filter((n) => n <= app.capabilities.limits.n).map((value) => ({ value, words: String(value) }));
  const count = choice(t('create.count'), counts, draft.value.count, (value) => draft.change({ count: value }));
  const strength = slider(t('edit.strength'), STRENGTH, {
    value: draft.value.strength,
    about: t('edit.strength_about'),
    usual: t('more.usual'),
    onchange: (value) => draft.change({ strength: value }),
  });
  const negative = negativeBox(app, readers, (words) => {
    if (words) fold.open = true; // what holds the button is not hidden
    hold();
    tellFolded();
  });
  const folded = h('p', { class: 'mistake', hidden: true });
  /** Say beside the button what holds it, where the fold hides that. */
  const tellFolded = () => {
    const trouble = fold.open ? '' : negative.trouble();
    folded.textContent = trouble && `${t('edit.negative')}: ${trouble}`;
    folded.hidden = !trouble;
  };

  function check() {
    const wrong = draft.value.prompt.trim() ? hint.refusal() : t('edit.no_words');
    const away = negative.refusal();
    if (wrong) mistake.complain(wrong);
    else if (away) complainAway(away);
    return !wrong && !away;
  }

  function complainAway(words) {
    fold.open = true;
    negative.complain(words);
  }

  function refused({ param, message }, { negative_prompt: away }) {
    if (param !== 'negative_prompt' || draft.value.negative.trim() !== away) return false;
    complainAway(sentence(message.replace(/^negative_prompt: /, '')));
    return true;
  }

  function show() {
    if (prompt.value !== draft.value.prompt) (mistake.clear(), hint.look('')); // what was said was said of other words
    prompt.value = draft.value.prompt;
    hint.look(prompt.value);
    negative.set();
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
  const fold = h(
    'details',
    { ontoggle: () => tellFolded() },
    h('summary', {}, icon('down'), h('span', {}, t('more.title'))),
    h('div', { class: 'grid' }, negative.element, who.model),
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
    fold,
    folded,
    main,
  );
  show();
  return { element, show, check, refused, close: () => (hint.close(), negative.close()) };
}

/** Make the box for what shall not be seen; `models` read it, and `ontrouble` is told why that cannot be, or with none. */
function negativeBox(app, models, ontrouble) {
  const id = freshId('negative');
  const input = h('input', {
    id,
    maxlength: 400,
    autocomplete: 'off',
    placeholder: t('edit.negative_open'),
    'aria-describedby': `${id}-hint ${id}-mistake`,
  });
  const mistake = mistakeBelow(input, `${id}-mistake`);
  const hint = hintBelow(app, `${id}-hint`, t('edit.negative_about'), {
    models,
    ontrouble: (words) => (mistake.tell(words), ontrouble(words)),
    about: 'hints.away',
  });
  const look = () => hint.look(draft.value.negative);
  input.addEventListener('input', () => {
    mistake.tell(hint.trouble());
    draft.change({ negative: input.value });
    look();
  });
  enterSubmits(input);
  const set = () => {
    if (input.value !== draft.value.negative) (mistake.clear(), hint.look('')); // what was said was said of other words
    input.value = draft.value.negative;
    look();
  };
  const element = field(t('edit.negative'), input);
  element.append(mistake.element, hint.element);
  return { ...hint, element, set, look, complain: mistake.complain };
}
