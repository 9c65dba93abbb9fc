/** The first view: words in, pictures out. */

import { button, h, icon, replace } from '../elements.js';
import { form, modelOf, requestOf } from '../form.js';
import { leftBehind } from '../jobs.js';
import { say } from '../notices.js';
import { choice } from '../parts/choices.js';
import { openCode } from '../parts/code.js';
import { ideas } from '../parts/ideas.js';
import { moreSettings } from '../parts/more_settings.js';
import { freshStrip, knownStrip } from '../parts/strip.js';
import { kept } from '../state.js';
import { styleName, t } from '../words.js';

const MOST_STRIPS = 12;
const COUNTS = [1, 2, 4, 8];

/** Jobs whose strips are shown, the latest first. */
const recent = kept('strips', /** @type {string[]} */ ([]));

/**
 * Open the view.
 *
 * @param {import('../main.js').App} app The app.
 * @returns {import('../views.js').View} The view.
 */
export function open(app) {
  const results = resultsOf(app);
  const asked = formOf(app, (body) => results.add(body));
  const element = h('div', { class: 'create' }, asked.element, results.element, ideas(app, asked.focus));
  for (const { key, body } of leftBehind()) results.add(body, key);
  return { element, close: () => (asked.close(), results.close()) };
}

/** Make the form: words, style, how many, and what is folded away. */
function formOf(app, draw) {
  const prompt = promptBox(() => element.requestSubmit());
  const model = modelOf(app.capabilities, form.value.model);
  const styles = [
    { value: null, words: t('style.any') },
    ...model.styles.map((value) => ({ value, words: styleName(value) })),
  ];
  const style = choice(t('create.style'), styles, form.value.style, (value) => form.change({ style: value }));
  const counts = COUNTS.filter((n) => n <= app.capabilities.limits.n).map((value) => ({
    value,
    words: String(value),
  }));
  const count = choice(t('create.count'), counts, form.value.count, (value) => form.change({ count: value }));
  const more = moreSettings(app);

  const submit = (event) => {
    event.preventDefault();
    if (!form.value.prompt.trim()) return prompt.complain();
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
    h(
      'div',
      { class: 'row spread' },
      h('div', { class: 'row wide' }, model.styles.length ? style.element : null, count.element),
      main,
    ),
    h('div', { class: 'fold' }, more.element, code),
  );

  const stop = form.subscribe(
    (value) => (prompt.set(value.prompt), style.set(value.style), count.set(value.count), more.set(value)),
  );
  return { element, close: stop, focus: prompt.focus };
}

/** Make the box for the words: Enter draws, as a line break would mean nothing. */
function promptBox(draw) {
  const mistake = h('p', { class: 'mistake', id: 'prompt-mistake', hidden: true }, t('create.no_words'));
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
  input.addEventListener(
    'input',
    () => ((mistake.hidden = true), input.removeAttribute('aria-invalid'), form.change({ prompt: input.value })),
  );
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    draw();
  });
  const element = h(
    'div',
    { class: 'prompt' },
    h('h1', {}, h('label', { for: 'prompt' }, t('create.question'))),
    input,
    mistake,
    h('p', { class: 'hint', id: 'prompt-hint' }, t('create.hint')),
  );
  return {
    element,
    focus: () => input.focus(),
    set: (value) => value !== input.value && (input.value = value),
    complain: () => (
      (mistake.hidden = false),
      input.setAttribute('aria-invalid', 'true'),
      input.focus(),
      say(t('create.no_words'))
    ),
  };
}

/** Make the list of what was asked for lately, the latest first. */
function resultsOf(app) {
  const list = h('div', { class: 'strips' });
  const title = h('h2', {}, t('create.results'));
  const element = h('section', { class: 'results', hidden: true }, title, list);
  /** @type {import('../parts/strip.js').Strip[]} */
  let strips = [];

  const use = {
    onknown: () => keep(),
    onremove: (strip) => {
      strip.close();
      strip.element.remove();
      strips = strips.filter((one) => one !== strip);
      keep();
    },
    onmore: (request) => add({ kind: 'generation', request }),
  };
  const keep = () => {
    element.hidden = strips.length === 0;
    recent.set(strips.map((one) => one.job).filter(Boolean));
  };
  const add = (body, key) => {
    const strip = freshStrip(app, body, use, key);
    strips = [strip, ...strips];
    list.prepend(strip.element);
    strips.slice(MOST_STRIPS).forEach(use.onremove);
    element.hidden = false;
    strip.element.scrollIntoView({ block: 'nearest' });
  };

  strips = recent.value.map((id) => knownStrip(app, id, use));
  replace(
    list,
    strips.map((one) => one.element),
  );
  element.hidden = strips.length === 0;
  return { element, add, close: () => strips.forEach((one) => one.close()) };
}
