/** Who draws, where a server has several models to choose from, and in which of the styles of that model. */

import { field, h, replace } from '../elements.js';
import { modelOf, nameAmong } from '../form.js';
import { styleName, t } from '../words.js';
import { choice } from './choices.js';

/**
 * Make the choice of who draws.
 *
 * @param {any[]} models Rows of `capabilities.models` to choose from.
 * @param {string | null} value A served name; null for the usual model.
 * @param {(name: string | null) => void} onchange Told of another.
 * @param {{about?: string, id?: string}} [how] `about` explains it below.
 * @returns {{element: HTMLElement, set: (name: string | null) => void} | null} The choice; null where there is none.
 */
export function modelField(models, value, onchange, { about, id } = {}) {
  if (models.length < 2) return null;
  const options = models.map(({ name }) => h('option', { value: name }, name));
  const select = h('select', { id, onchange: () => onchange(nameAmong(models, select.value)) }, options);
  const set = (name) => (select.value = modelOf({ models }, name).name);
  set(value);
  return { element: field(t('more.model'), select, about), set };
}

/**
 * Make the choice of a style.
 *
 * @param {any} model A row of `capabilities.models`.
 * @param {string | null} value One of its styles; null for any.
 * @param {(style: string | null) => void} onchange Told of another.
 * @returns {{element: HTMLElement, set: (style: string | null) => void} | null} The choice; null for a model without styles.
 */
export function styleChoice(model, value, onchange) {
  if (!model.styles.length) return null;
  const options = [null, ...model.styles].map((one) => ({ value: one, words: one ? styleName(one) : t('style.any') }));
  return choice(t('create.style'), options, value, onchange);
}

/**
 * Make both choices: who draws, and a style, whose names are those of the model that was chosen.
 *
 * @param {any[]} models Rows of `capabilities.models` to choose from.
 * @param {() => {model: string | null, style: string | null}} now What is chosen.
 * @param {(fields: {model?: string | null, style?: string | null}) => void} onchange Told what changes.
 * @returns {{model: HTMLElement | null, style: HTMLElement, set: () => void}} The choices; `set` shows what is chosen.
 */
export function modelAndStyle(models, now, onchange) {
  const style = h('div', { class: 'through' });
  const changed = (model) => {
    const isKnown = modelOf({ models }, model).styles.includes(now().style);
    onchange({ model, ...(isKnown ? {} : { style: null }) });
    set();
  };
  const model = modelField(models, now().model, changed, { about: t('more.model_about') });
  const set = () => {
    model?.set(now().model);
    const styles = styleChoice(modelOf({ models }, now().model), now().style, (wanted) => onchange({ style: wanted }));
    replace(style, styles?.element);
  };
  set();
  return { model: model?.element ?? null, style, set };
}
