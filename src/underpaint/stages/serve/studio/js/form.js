/** What somebody wants drawn, as the form holds it, as the server takes it, and as a picture remembers it. */

import { kept } from './state.js';

/**
 * @typedef {object} Form
 * @property {string} prompt The words.
 * @property {string | null} style Null for any.
 * @property {number} count Pictures.
 * @property {number | null} seed The number of the first picture; null for a new one each time.
 * @property {string | null} model A served name or a release; null for the default.
 * @property {number | null} guidance How closely the words are followed; null for the model's own.
 * @property {number | null} temperature How daring it draws; null for the model's own.
 * @property {number | null} steps Of the finish; null for the model's own.
 * @property {'transparent' | 'opaque'} background
 */

/** @type {Form} */
export const EMPTY = {
  prompt: '',
  style: null,
  count: 4,
  seed: null,
  model: null,
  guidance: null,
  temperature: null,
  steps: null,
  background: 'transparent',
};

/** The form of this tab. */
export const form = kept('form', EMPTY);

/** Fields that a model may not have. */
export const NUMBERS = /** @type {const} */ (['guidance', 'temperature', 'steps']);

/**
 * Return the model that a form asks for.
 *
 * @param {any} capabilities What the server can do.
 * @param {string | null} name A served name or a release; null for the default.
 * @returns {any} A row of `capabilities.models`; the default if there is no such model.
 */
export function modelOf(capabilities, name) {
  const { models } = capabilities;
  const named = models.find((one) => one.name === name || one.release === name);
  return named ?? models.find((one) => one.is_default) ?? models[0];
}

/**
 * Return the name by which a model is remembered.
 *
 * @param {any[]} models Rows of `capabilities.models` to choose from.
 * @param {string | null} name A served name or a release.
 * @returns {string | null} Its served name; null for the usual one of them.
 */
export function nameAmong(models, name) {
  const model = modelOf({ models }, name);
  return model === modelOf({ models }, null) ? null : model.name;
}

/**
 * Return the models that can draw a picture anew.
 *
 * @param {any} capabilities What the server can do.
 * @returns {any[]} Rows of `capabilities.models`.
 */
export function editorsOf({ models }) {
  return models.filter((one) => one.can_edit);
}

/**
 * Return what a request says of its model.
 *
 * @param {any} model A row of `capabilities.models`.
 * @returns {{model?: string}} Its name; nothing for the one that draws where none is named.
 */
export function fieldsOf(model) {
  return model.is_default ? {} : { model: model.name };
}

/**
 * Return the request of a form: what its model does not know is left out.
 *
 * @param {Form} wanted The form.
 * @param {any} capabilities What the server can do.
 * @returns {Object<string, any>} As `/v1/images/generations` takes it.
 */
export function requestOf(wanted, capabilities) {
  const model = modelOf(capabilities, wanted.model);
  const n = Math.min(Math.max(wanted.count, 1), capabilities.limits.n);
  /** @type {Object<string, any>} */
  const request = { prompt: wanted.prompt.trim(), n, ...fieldsOf(model) };
  if (model.styles.includes(wanted.style)) request.style = wanted.style;
  if (wanted.seed !== null) request.seed = wanted.seed;
  for (const name of NUMBERS) {
    if (wanted[name] !== null && model[name] !== null) request[name] = clamped(wanted[name], model[name]);
  }
  if (wanted.background === 'opaque') request.background = 'opaque';
  return request;
}

function clamped(value, { low, high }) {
  return Math.min(Math.max(value, low), high);
}

/**
 * Return the form that asks for a picture like the one whose request or settings are given.
 *
 * @param {Object<string, any>} settings A request, or the settings of a picture.
 * @param {any} capabilities What the server can do.
 * @returns {Form} The form; it asks for one picture, with the same number.
 */
export function formOf(settings, capabilities) {
  const model = modelOf(capabilities, settings.release ?? settings.model ?? null);
  const numbers = Object.fromEntries(NUMBERS.map((name) => [name, unlessUsual(settings[name], model[name])]));
  return {
    ...EMPTY,
    ...numbers,
    prompt: settings.prompt ?? '',
    style: model.styles.includes(settings.style) ? settings.style : null,
    count: 1,
    seed: settings.seed ?? null,
    model: nameAmong(capabilities.models, model.name),
    background: [undefined, null, 'transparent', 'auto'].includes(settings.background) ? 'transparent' : 'opaque',
  };
}

function unlessUsual(value, range) {
  return range && typeof value === 'number' && value !== range.default ? value : null;
}

/**
 * Return a number that was drawn at random; the same size as the server draws.
 *
 * @returns {number} 0 to 2^32 - 1.
 */
export function freshSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}
