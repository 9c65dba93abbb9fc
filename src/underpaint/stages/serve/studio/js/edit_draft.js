/** What is being edited in this tab, and what is asked of the server for it. */

import { fieldsOf } from './form.js';
import { maskOf, paintedOver } from './parts/easel.js';
import { sideSent } from './sources.js';
import { kept } from './state.js';
import { t } from './words.js';

const SKETCH_SIDE = 256;

/** How much of a picture is drawn anew, from 0 to 1, where nobody said so (docs/edit.md). */
const USUAL = { veiled: 1, variation: 0.5, sketch: 0.65, words: 0.8 };

/**
 * @typedef {object} Draft
 * @property {import('./sources.js').Source | null} source The picture; null for a sketch.
 * @property {boolean} isSketch Whether it began on a blank sheet.
 * @property {{paint?: string | null, veil?: string | null}} layers What was painted and veiled, as `data:` addresses.
 * @property {string} ownWords What drew the picture, as far as that is known.
 * @property {string} prompt
 * @property {string} negative What shall not be seen.
 * @property {string | null} model A served name; null for the usual one of those that can draw a picture anew.
 * @property {string | null} style
 * @property {number} count
 * @property {number | null} strength How much is drawn anew; null for what is usual.
 */

/** @type {Draft} */
export const EMPTY = {
  source: null,
  isSketch: false,
  layers: {},
  ownWords: '',
  prompt: '',
  negative: '',
  model: null,
  style: null,
  count: 4,
  strength: null,
};

/** The draft of this tab. */
export const draft = kept('edit', EMPTY);

/**
 * Return what a draft asks for.
 *
 * @param {Draft} wanted The draft.
 * @param {ReturnType<typeof import('./parts/easel.js').makeEasel>} easel What lies on the easel.
 * @param {any} model The model that draws.
 * @returns {Promise<Object<string, any>>} As `POST /api/v1/jobs` takes the request of an edit.
 * @throws {Error} There is nothing to draw from.
 */
export async function editOf(wanted, easel, model) {
  const { source, style, count, strength, isSketch } = wanted;
  const isPainted = !easel.isEmpty('paint');
  const isVeiled = !easel.isEmpty('veil');
  if (!source && !isPainted) throw new Error(t('edit.nothing'));
  const side = source ? sideSent(source, model) : SKETCH_SIDE;
  const mask = isVeiled ? { mask: { image_url: maskOf(easel.layers.veil, side) } } : {};
  const picture =
    source?.side === side && !isPainted
      ? source.data
      : await paintedOver(source?.data ?? null, isPainted ? easel.layers.paint : null, side);
  const prompt = wanted.prompt.trim();
  const isVariation = prompt === wanted.ownWords && !isPainted;
  const usual = isVeiled ? USUAL.veiled : isSketch ? USUAL.sketch : isVariation ? USUAL.variation : USUAL.words;
  return {
    prompt,
    n: count,
    images: [{ image_url: picture }],
    ...mask,
    ...(style && model.styles.includes(style) ? { style } : {}),
    strength: strength ?? usual,
    ...(wanted.negative.trim() ? { negative_prompt: wanted.negative.trim() } : {}),
    ...fieldsOf(model),
  };
}
