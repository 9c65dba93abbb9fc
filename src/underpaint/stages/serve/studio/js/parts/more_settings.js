/** What most people never need, folded away: the number that repeats a picture, how closely and how daringly it is drawn. */

import { button, field, h, icon } from '../elements.js';
import { EMPTY, form, freshSeed, modelOf } from '../form.js';
import { choice, slider } from './choices.js';
import { t } from '../words.js';
import { modelField } from './who_draws.js';

const FOLDED = /** @type {const} */ (['seed', 'model', 'guidance', 'temperature', 'steps', 'background']);

/**
 * Make the fold of further settings.
 *
 * @param {import('../main.js').App} app The app.
 * @returns {{element: HTMLElement, set: (value: import('../form.js').Form) => void}} The fold; `set` shows what the form holds.
 */
export function moreSettings(app) {
  const count = h('span', { class: 'badge', hidden: true });
  const model = modelOf(app.capabilities, form.value.model);
  const parts = [seedPart(app), models(app), ...sliders(model), background()].filter(Boolean);
  const reset = () => form.change(Object.fromEntries(FOLDED.map((name) => [name, EMPTY[name]])));
  const element = h(
    'details',
    { class: 'more' },
    h('summary', {}, icon('down'), h('span', {}, t('more.title')), count),
    h(
      'div',
      { class: 'grid' },
      parts.map((part) => part.element),
    ),
    h('div', { class: 'row end' }, button(t('more.reset'), reset, { icon: 'undo', kind: 'quiet' })),
  );
  const set = (value) => {
    const changed = FOLDED.filter((name) => value[name] !== EMPTY[name]).length;
    count.hidden = changed === 0;
    count.textContent = t('more.changed', { n: changed });
    parts.forEach((part) => part.set(value));
  };
  set(form.value);
  return { element, set };
}

function seedPart(app) {
  const input = h('input', {
    type: 'text',
    inputmode: 'numeric',
    maxlength: 16,
    placeholder: t('more.seed_open'),
    autocomplete: 'off',
  });
  const most = app.capabilities.limits.seed;
  input.addEventListener('input', () => {
    const digits = input.value.replace(/\D/g, '');
    if (digits !== input.value) input.value = digits;
    form.change({ seed: digits ? Math.min(Number(digits), most) : null });
  });
  const dice = button(t('more.seed_fresh'), () => form.change({ seed: freshSeed() }), { icon: 'dice', bare: true });
  const free = button(t('more.seed_free'), () => form.change({ seed: null }), { icon: 'unlock', bare: true });
  const element = field(t('more.seed'), input, t('more.seed_about'));
  input.after(h('div', { class: 'row' }, dice, free));
  input.parentElement?.classList.add('seed');
  const set = ({ seed }) => {
    const text = seed === null ? '' : String(seed);
    if (text !== input.value) input.value = text;
    free.disabled = seed === null;
  };
  return { element, set };
}

function models(app) {
  const how = { about: t('more.model_about'), id: 'model' };
  const made = modelField(app.capabilities.models, form.value.model, (model) => form.change({ model }), how);
  return made && { element: made.element, set: ({ model }) => made.set(model) };
}

function sliders(model) {
  return /** @type {const} */ (['guidance', 'temperature', 'steps']).map((name) => {
    const range = rangeOf(name, model[name]);
    if (!range || range.low === range.high) return null;
    const how = {
      value: form.value[name],
      about: t(`more.${name}_about`),
      usual: t('more.usual'),
      onchange: (value) => form.change({ [name]: value }),
    };
    const { element, set } = slider(t(`more.${name}`), range, how);
    return { element, set: (value) => set(value[name]) };
  });
}

/**
 * Return the part of a range that draws anything worth looking at; the server takes more.
 *
 * @param {'guidance' | 'temperature' | 'steps'} name What it is of.
 * @param {{low: number, high: number, default: number | null} | null} range What the server takes.
 * @returns {{low: number, high: number, default: number | null, step: number} | null} The part; null for what a model has not.
 */
export function rangeOf(name, range) {
  if (!range) return null;
  const high = { guidance: 8, temperature: 2, steps: 32 }[name] ?? range.high;
  return {
    ...range,
    high: Math.min(range.high, high),
    step: name === 'steps' ? 1 : name === 'guidance' ? 0.25 : 0.05,
  };
}

function background() {
  const options = [
    { value: 'transparent', words: t('more.transparent') },
    { value: 'opaque', words: t('more.opaque') },
  ];
  const { element, set } = choice(t('more.background'), options, form.value.background, (value) =>
    form.change({ background: /** @type {any} */ (value) }),
  );
  return { element, set: (value) => set(value.background) };
}
