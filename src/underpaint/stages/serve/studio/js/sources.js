/** Pictures that somebody brings to be redrawn: read, made square, and made into what can be sent. */

import { sizeOf } from './picture_head.js';
import { t } from './words.js';

const LEAST_SIDE = 256;

/**
 * @typedef {object} Source A square picture.
 * @property {string} data Its PNG file as a `data:` address.
 * @property {number} side In pixels.
 */

/**
 * Read a file; the own bytes of one that has the size of a model are kept, since that model redraws them as they are.
 *
 * @param {Blob & {name?: string}} file A PNG, JPEG or WebP file.
 * @param {Array<{width: number}>} models Those that can be chosen to redraw it.
 * @param {{upload_bytes: number, upload_pixels: number}} limits What is taken.
 * @returns {Promise<Source>} The picture; one of another size in the middle of a transparent square, large enough for each model.
 * @throws {Error} It is too large or no such file; the message says so.
 */
export async function sourceOf(file, models, limits) {
  const name = file.name ?? t('picture.alt');
  if (file.size > limits.upload_bytes)
    throw new Error(t('collection.large', { name, mb: Math.floor(limits.upload_bytes / 1e6) }));
  const size = await sizeOf(file);
  if (!size) throw new Error(t('edit.no_picture', { name }));
  const most = limits.upload_pixels;
  if (size.width * size.height > most)
    throw new Error(t('edit.many_pixels', { name, ...size, most: Math.round(most / 1e6) }));
  const data = await dataOf(file);
  const bitmap = await bitmapOf(data, name);
  const sides = models.map((model) => model.width);
  if (file.type === 'image/png' && size.width === size.height && sides.includes(size.width)) {
    bitmap.close();
    return { data, side: size.width };
  }
  return squared(bitmap, Math.max(LEAST_SIDE, ...sides));
}

/**
 * Return how large a picture is sent to a model: as it is if it has the size of the model, or is larger than that is.
 *
 * @param {Source} source The picture.
 * @param {{width: number}} model The model that redraws it.
 * @returns {number} Its side in pixels.
 */
export function sideSent(source, model) {
  return source.side === model.width ? source.side : Math.max(LEAST_SIDE, model.width, source.side);
}

/** Return a picture that is there as a whole: of a file that is cut off a browser makes a bitmap, but no image. */
async function bitmapOf(data, name) {
  try {
    return await createImageBitmap(await imageFrom(data));
  } catch {
    throw new Error(t('edit.damaged', { name }));
  }
}

function squared(bitmap, side) {
  const canvas = blank(side);
  const scale = side / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, (side - width) / 2, (side - height) / 2, width, height);
  bitmap.close();
  return { data: canvas.toDataURL('image/png'), side };
}

/**
 * Make a canvas with nothing on it.
 *
 * @param {number} side In pixels.
 * @returns {HTMLCanvasElement} The canvas.
 */
export function blank(side) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = side;
  return canvas;
}

/**
 * Return a file as a `data:` address.
 *
 * @param {Blob} file The file.
 * @returns {Promise<string>} The address.
 */
export function dataOf(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(/** @type {string} */ (reader.result)));
    reader.addEventListener('error', () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

/**
 * Load a `data:` address.
 *
 * @param {string} data The address.
 * @returns {Promise<HTMLImageElement>} Its picture.
 */
export async function imageFrom(data) {
  const image = new Image();
  image.src = data;
  await image.decode();
  return image;
}
