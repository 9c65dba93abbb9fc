/** One side of a comparison: who draws, and how. */

import { h, replace } from '../elements.js';
import { EMPTY, NUMBERS, modelOf, requestOf } from '../form.js';
import { t } from '../words.js';
import { slider } from './choices.js';
import { rangeOf } from './more_settings.js';
import { modelAndStyle } from './who_draws.js';

/**
 * @typedef {object} Side
 * @property {string | null} model A served name; null for the default.
 * @property {string | null} style Null for any.
 * @property {number | null} guidance Null for the model's own, as the others.
 * @property {number | null} temperature
 * @property {number | null} steps
 */

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
  const numbers = h('div', { class: 'grid' });
  const show = () => {
    const model = modelOf(app.capabilities, now.model);
    replace(
      numbers,
      NUMBERS.map((name) => numberField(name, model, now, change)),
    );
  };
  const who = modelAndStyle(
    app.capabilities.models,
    () => now,
    (fields) => (change(fields), show()),
  );
  show();
  return h('fieldset', { class: 'side' }, h('legend', {}, title), who.model, who.style, numbers);
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
