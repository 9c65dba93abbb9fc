/** One side of a comparison: who draws, and how. */

import { field, h, replace } from '../elements.js';
import { modelOf, requestOf, EMPTY } from '../form.js';
import { styleName, t } from '../words.js';
import { slider } from './choices.js';
import { rangeOf } from './more_settings.js';

/**
 * @typedef {object} Side
 * @property {string | null} model A served name; null for the default.
 * @property {string | null} style Null for any.
 * @property {number | null} guidance Null for the model's own, as the others.
 * @property {number | null} temperature
 * @property {number | null} steps
 */

const NUMBERS = /** @type {const} */ (['guidance', 'temperature', 'steps']);

/** @type {Side} A side as it is at first. */
export const PLAIN = { model: null, style: null, guidance: null, temperature: null, steps: null };

/**
 * Make the fields of a side.
 *
 * @param {import('../main.js').App} app The app.
 * @param {string} title What the side is called.
 * @param {Side} value What it is now.
 * @param {(value: Side) => void} onchange Told of every change.
 * @returns {HTMLElement} The fields.
 */
export function sideFields(app, title, value, onchange) {
  let now = value;
  const change = (fields) => onchange((now = { ...now, ...fields }));
  const element = h('fieldset', { class: 'side' });
  const show = () => {
    const model = modelOf(app.capabilities, now.model);
    replace(
      element,
      h('legend', {}, title),
      h(
        'div',
        { class: 'grid' },
        modelField(app, now, (name) => (change({ model: name }), show())),
        styleField(model, now, (style) => change({ style })),
        NUMBERS.map((name) => numberField(name, model, now, change)),
      ),
    );
  };
  show();
  return element;
}

function modelField(app, now, onchange) {
  const { models } = app.capabilities;
  if (models.length < 2) return null;
  const options = models.map((one) =>
    h('option', { value: one.name, selected: one.name === modelOf(app.capabilities, now.model).name }, one.name),
  );
  const select = h('select', { onchange: () => onchange(select.value) }, options);
  return field(t('more.model'), select);
}

function styleField(model, now, onchange) {
  if (model.styles.length === 0) return null;
  const options = [null, ...model.styles].map((name) =>
    h('option', { value: name ?? '', selected: name === now.style }, name ? styleName(name) : t('style.any')),
  );
  const select = h('select', { onchange: () => onchange(select.value || null) }, options);
  return field(t('create.style'), select);
}

function numberField(name, model, now, change) {
  const range = rangeOf(name, model[name]);
  if (!range || range.low === range.high) return null;
  return slider(t(`more.${name}`), range, {
    value: now[name],
    about: '',
    usual: t('more.usual'),
    onchange: (value) => change({ [name]: value }),
  }).element;
}

/**
 * Return the request of a side.
 *
 * @param {Side} side The side.
 * @param {{prompt: string, count: number, seed: number}} asked What both sides draw.
 * @param {any} capabilities What the server can do.
 * @returns {Object<string, any>} As `/v1/images/generations` takes it.
 */
export function requestOfSide(side, asked, capabilities) {
  return requestOf({ ...EMPTY, ...side, ...asked }, capabilities);
}
