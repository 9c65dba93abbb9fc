/** The form of a sheet: whose moods, which of them, in which style, how alike. */

import { button, enterSubmits, h, icon } from '../elements.js';
import { editorsOf, fieldsOf, modelOf } from '../form.js';
import { sentence } from '../notices.js';
import { kept } from '../state.js';
import { moodName, t } from '../words.js';
import { choice } from './choices.js';
import { mistakeBelow } from './mistake.js';
import { ownMoods, ownOf } from './own_moods.js';
import { modelAndStyle } from './who_draws.js';
import { hintBelow } from './word_hints.js';

/** How much of the first picture stays. */
const ALIKE = { little: 0.17, usual: 0.33, very: 0.5 };
const SUBJECTS = ['face', 'cat', 'dog', 'panda', 'unicorn', 'woman'];

const EMPTY = {
  subject: '',
  moods: /** @type {string[] | null} */ (null),
  own: '',
  model: /** @type {string | null} */ (null),
  style: /** @type {string | null} */ (null),
  alike: /** @type {'little' | 'usual' | 'very'} */ ('usual'),
};

/** What is being asked for in this tab. */
const draft = kept('sheet', EMPTY);

/**
 * Make the form.
 *
 * @param {import('../main.js').App} app The app.
 * @param {(body: Object<string, any>) => Promise<void>} draw Draws a sheet; what it throws is shown beside the box.
 * @returns {{element: HTMLElement, focus: () => void, close: () => void}} The form.
 */
export function sheetForm(app, draw) {
  const { moods } = app.capabilities;
  const usual = moods.filter((one) => one.is_usual).map((one) => one.name);
  const chosen = () => moods.map((one) => one.name).filter((name) => (draft.value.moods ?? usual).includes(name));
  const models = editorsOf(app.capabilities);
  const modelNow = () => modelOf({ models }, draft.value.model);
  const box = subjectBox(app, modelNow, () => (show(), own.look()));
  const count = h('span', {});
  const main = h('button', { class: 'button main large', type: 'submit' }, icon('brush'), count);
  const picks = moodChips(moods, chosen, (names) => (draft.change({ moods: names }), show(), own.look()));
  const own = ownMoods(app, {
    text: () => draft.value.own,
    subject: () => draft.value.subject,
    chosen,
    model: modelNow,
    onchange: (text) => (draft.change({ own: text }), show()),
    oncount: () => show(),
  });
  const who = modelAndStyle(
    models,
    () => draft.value,
    (fields) => (draft.change(fields), box.look(), own.look()),
  );
  /** Tell what the server refused beside the box that it is of, by the name of its field there. */
  const refused = ({ param, message }) =>
    /^own\b/.test(param ?? '') ? own.refused(sentence(message)) : box.complain(sentence(message));
  const show = () => {
    picks.set(chosen());
    const { n, isSure } = own.count();
    count.textContent = t(isSure ? 'moods.draw' : 'moods.draw_most', { n: 1 + n });
    main.disabled = isSending || own.isWrong() || Boolean(box.trouble());
  };
  let isSending = false;
  const sending = (is) => ((isSending = is), show());
  const submitted = async (event) => {
    event.preventDefault();
    if (!draft.value.subject.trim()) return box.complain(t('moods.no_subject'));
    if (!chosen().length && !ownWords(chosen()).length) return box.complain(t('moods.no_moods'));
    if (isSending) return;
    if (box.refusal()) return box.complain(box.refusal());
    if (own.refusal()) return own.complain(own.refusal());
    sending(true);
    box.clear();
    try {
      await draw(bodyOf(modelNow(), chosen()));
    } catch (error) {
      refused(error);
    }
    sending(false);
  };
  const element = h(
    'form',
    { class: 'card ask', novalidate: true, onsubmit: submitted },
    box.element,
    picks.element,
    own.element,
    h('div', { class: 'row spread' }, h('div', { class: 'row wide' }, who.style, alike(), who.model), main),
  );
  show();
  own.look();
  return { element, focus: box.focus, close: () => (box.close(), own.close()) };
}

function bodyOf(model, moods) {
  const { subject, style, alike: same } = draft.value;
  const own = ownWords(moods);
  const styled = model.styles.includes(style) ? { style } : {};
  const fields = { ...fieldsOf(model), ...(own.length ? { own } : {}), ...styled };
  return { subject: subject.trim(), moods, same: ALIKE[same], ...fields };
}

/** Return the moods in words of one's own, each once. */
function ownWords(chosen) {
  return ownOf(draft.value.own, chosen).own.map(({ words }) => words);
}

/**
 * Make the box for whom the moods are of, with some to begin with; `model` reads them, and `onchange` is told that it says
 * something else, or that this can be drawn or not.
 */
function subjectBox(app, model, onchange) {
  const input = h('input', {
    id: 'subject',
    class: 'words',
    maxlength: 100,
    autocomplete: 'off',
    enterkeyhint: 'go',
    value: draft.value.subject,
    placeholder: t('moods.placeholder'),
    'aria-describedby': 'subject-hint subject-mistake',
  });
  const mistake = mistakeBelow(input, 'subject-mistake');
  const hint = hintBelow(app, 'subject-hint', t('moods.hint'), {
    models: () => [model().name],
    ontrouble: (words) => (mistake.tell(words), onchange()),
  });
  const put = (value) => {
    mistake.tell(hint.trouble());
    draft.change({ subject: value });
    hint.look(value);
    onchange();
  };
  input.addEventListener('input', () => put(input.value));
  enterSubmits(input);
  const take = (name) => ((input.value = t(`moods.subject.${name}`)), put(input.value), input.focus());
  const ideas = SUBJECTS.map((name) => button(t(`moods.subject.${name}`), () => take(name), { kind: 'quiet' }));
  const element = h(
    'div',
    { class: 'prompt' },
    h('h1', {}, h('label', { for: 'subject' }, t('moods.question'))),
    input,
    mistake.element,
    hint.element,
    h('div', { class: 'row subjects', role: 'group', 'aria-label': t('moods.try') }, ideas),
  );
  const look = () => hint.look(draft.value.subject);
  look();
  const { trouble, refusal, close } = hint;
  return { ...mistake, element, look, trouble, refusal, focus: () => input.focus(), close };
}

function moodChips(moods, chosen, onchange) {
  const inputs = moods.map(({ name }) =>
    h('input', {
      type: 'checkbox',
      onchange: (event) =>
        onchange(event.target.checked ? [...chosen(), name] : chosen().filter((other) => other !== name)),
    }),
  );
  const all = button(t('moods.all'), () => onchange(moods.map((one) => one.name)), { kind: 'quiet' });
  const usual = button(t('moods.usual'), () => onchange(null), { kind: 'quiet' });
  const chips = moods.map(({ name }, i) => h('label', { class: 'chip' }, inputs[i], h('span', {}, moodName(name))));
  const element = h(
    'fieldset',
    { class: 'choice' },
    h('legend', {}, t('moods.which')),
    h('div', { class: 'chips' }, chips),
    h('div', { class: 'row' }, usual, all),
  );
  const set = (names) => inputs.forEach((input, i) => (input.checked = names.includes(moods[i].name)));
  return { element, set };
}

function alike() {
  const options = /** @type {const} */ (['little', 'usual', 'very']).map((value) => ({
    value,
    words: t(`moods.alike.${value}`),
  }));
  return choice(t('moods.alike'), options, draft.value.alike, (value) => draft.change({ alike: value })).element;
}
