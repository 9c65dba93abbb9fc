/** The form: words, style, how many, and what is folded away; it is made anew when another model knows other things. */

import { button, enterSubmits, h, icon } from '../elements.js';
import { form, modelOf, requestOf } from '../form.js';
import { t } from '../words.js';
import { choice } from './choices.js';
import { openCode } from './code.js';
import { mistakeBelow } from './mistake.js';
import { moreSettings } from './more_settings.js';
import { styleChoice } from './who_draws.js';
import { hintBelow } from './word_hints.js';

const COUNTS = [1, 2, 4, 8];

/**
 * Make the form.
 *
 * @param {import('../main.js').App} app The app.
 * @param {(body: {kind: string, request: Object<string, any>}) => void} draw Told what is to be drawn.
 * @returns {{element: HTMLElement, close: () => void, focus: () => void}} The form.
 */
export function askForm(app, draw) {
  let now = formOf(app, draw);
  let { model } = form.value;
  const element = h('div', {}, now.element);
  const stop = form.subscribe((value) => {
    if (value.model === model) return;
    ({ model } = value);
    const known = modelOf(app.capabilities, model).styles;
    if (value.style && !known.includes(value.style)) form.change({ style: null });
    now = again(now, formOf(app, draw));
  });
  return { element, close: () => (stop(), now.close()), focus: () => now.focus() };
}

/** Put a fresh form into the place of another, as unfolded as that was, and the focus where it was. */
function again(old, fresh) {
  const held = old.element.contains(document.activeElement) ? document.activeElement?.id : '';
  fresh.element.querySelector('details').open = old.element.querySelector('details').open;
  old.close();
  old.element.replaceWith(fresh.element);
  if (held) document.getElementById(held)?.focus();
  return fresh;
}

function formOf(app, draw) {
  const prompt = promptBox(app, (is) => (main.disabled = is));
  const model = modelOf(app.capabilities, form.value.model);
  const style = styleChoice(model, form.value.style, (value) => form.change({ style: value }));
  const counts = COUNTS.filter((n) => n <= app.capabilities.limits.n).map((value) => ({
    value,
    words: String(value),
  }));
  const count = choice(t('create.count'), counts, form.value.count, (value) => form.change({ count: value }));
  const more = moreSettings(app);

  const submit = (event) => {
    event.preventDefault();
    if (!form.value.prompt.trim()) return prompt.complain(t('create.no_words'));
    if (prompt.refusal()) return prompt.complain(prompt.refusal());
    draw({ kind: 'generation', request: requestOf(form.value, app.capabilities) });
  };
  const main = h(
    'button',
    { class: 'button main large', type: 'submit' },
    icon('brush'),
    h('span', {}, t('create.draw')),
  );
  const code = button(t('create.code'), () => openCode(app), {
    icon: 'code',
    kind: 'quiet',
    'aria-haspopup': 'dialog',
  });
  const element = h(
    'form',
    { class: 'card ask', onsubmit: submit, novalidate: true },
    prompt.element,
    h('div', { class: 'row spread' }, h('div', { class: 'row wide' }, style?.element, count.element), main),
    h('div', { class: 'fold' }, more.element, code),
  );

  const stop = form.subscribe(
    (value) => (prompt.set(value.prompt), style?.set(value.style), count.set(value.count), more.set(value)),
  );
  return { element, close: () => (stop(), prompt.close()), focus: prompt.focus };
}

/** Make the box for the words: Enter draws; `hold` is told whether they cannot be drawn. */
function promptBox(app, hold) {
  const input = h('textarea', {
    id: 'prompt',
    rows: 2,
    maxlength: 400,
    spellcheck: 'true',
    autocomplete: 'off',
    enterkeyhint: 'go',
    value: form.value.prompt,
    placeholder: t('create.placeholder'),
    'aria-describedby': 'prompt-hint prompt-mistake',
  });
  const mistake = mistakeBelow(input, 'prompt-mistake');
  const hint = hintBelow(app, 'prompt-hint', t('create.hint'), {
    models: () => [form.value.model],
    ontrouble: (words) => (mistake.tell(words), hold(Boolean(words))),
  });
  input.addEventListener('input', () => {
    mistake.tell(hint.trouble());
    form.change({ prompt: input.value });
    hint.look(input.value);
  });
  enterSubmits(input);
  const element = h(
    'div',
    { class: 'prompt' },
    h('h1', {}, h('label', { for: 'prompt' }, t('create.question'))),
    input,
    mistake.element,
    hint.element,
  );
  hint.look(input.value);
  return {
    element,
    focus: () => input.focus(),
    close: hint.close,
    set: (value) => {
      if (value === input.value) return;
      input.value = value;
      hint.look(value);
    },
    complain: mistake.complain,
    refusal: hint.refusal,
  };
}
