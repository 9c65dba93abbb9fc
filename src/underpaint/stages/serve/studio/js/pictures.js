/** Pictures: where their pixels come from, how they are shown, what their files are called. */

import { h } from './elements.js';
import { enlarge } from './enlarge.js';
import { address, key, request } from './server.js';
import { t } from './words.js';

/**
 * @typedef {object} Picture As `GET /api/v1/gallery` answers; of a fresh job what is known of it.
 * @property {string} pixel_sha256 Names the picture.
 * @property {string} url Its path on the server.
 * @property {number} width In pixels.
 * @property {number} height In pixels.
 * @property {number} [created_at] Seconds since 1970.
 * @property {boolean} [favorite]
 * @property {number | null} [rating] 1 to 5.
 * @property {string | null} [note] Words of its owner's.
 * @property {number | null} [deleted_at] When it went to the bin.
 * @property {string | null} [job]
 * @property {Object<string, any>} settings What drew it: prompt, seed, style, model, release, guidance, ...
 * @property {Object<string, any> | null} [cost] What it cost.
 */

/**
 * Return the pictures of a job, as far as they are finished.
 *
 * @param {import('./jobs.js').Job} job The job.
 * @returns {Picture[]} In their order.
 */
export function picturesOf(job) {
  const { n: _n, images: _images, mask: _mask, picture: _picture, ...settings } = job.request;
  return job.images.map((image) => ({
    pixel_sha256: image.pixel_sha256,
    url: image.url,
    width: image.width ?? 64,
    height: image.height ?? 64,
    created_at: job.created_at,
    job: job.id,
    settings: { ...settings, seed: image.seed },
  }));
}

/** @type {Map<string, Promise<Blob>>} Files that were fetched, the latest last. */
const files = new Map();
const MOST_FILES = 400;

/**
 * Return the file of a picture.
 *
 * @param {Picture} picture The picture.
 * @returns {Promise<Blob>} The file.
 * @throws {ServerError} It is kept no longer.
 */
export function fileOf(picture) {
  let found = files.get(picture.url);
  if (!found) {
    found = request('GET', picture.url).then((response) => response.blob());
    found.catch(() => files.delete(picture.url));
    files.set(picture.url, found);
    if (files.size > MOST_FILES) files.delete(/** @type {string} */ (files.keys().next().value));
  }
  return found;
}

/**
 * Make an image of a picture; where the server asks for a key, browsers cannot fetch it by themselves.
 *
 * @param {Picture} picture The picture.
 * @returns {HTMLImageElement} The image; its words are the prompt.
 */
export function imageOf(picture) {
  const image = h('img', {
    alt: altOf(picture),
    width: picture.width,
    height: picture.height,
    loading: 'lazy',
    decoding: 'async',
  });
  image.addEventListener('error', () => image.closest('.tile')?.classList.add('gone'));
  if (!key.value) image.src = address(picture.url);
  else
    fileOf(picture).then(
      (file) => showFile(image, file),
      () => image.dispatchEvent(new Event('error')),
    );
  return image;
}

function showFile(image, file) {
  image.src = URL.createObjectURL(file);
  image.addEventListener('load', () => URL.revokeObjectURL(image.src), { once: true });
}

/**
 * Return the words that stand for a picture.
 *
 * @param {Picture} picture The picture.
 * @returns {string} The prompt, and the style if it has one.
 */
export function altOf(picture) {
  const { prompt = '', style } = picture.settings;
  return style ? t('picture.alt_style', { prompt, style }) : prompt || t('picture.alt');
}

/**
 * Make a large and smooth view of a picture: its pixels made into many, edges kept.
 *
 * @param {Picture} picture The picture.
 * @param {number} [side] Pixels of the longer side.
 * @returns {HTMLCanvasElement} It is empty until the picture has come.
 */
export function largeOf(picture, side = 512) {
  const canvas = h('canvas', {
    class: 'large',
    role: 'img',
    'aria-label': altOf(picture),
    width: side,
    height: side,
  });
  fileOf(picture).then(
    async (file) => enlarge(await createImageBitmap(file, { premultiplyAlpha: 'premultiply' }), canvas),
    () => canvas.closest('.tile')?.classList.add('gone'),
  );
  return canvas;
}

/**
 * Return a name for the file of a picture, the same that the command line gives.
 *
 * @param {Picture} picture The picture.
 * @param {string} [ending] Of the file.
 * @returns {string} As `underpaint-a-red-heart-flat-7.png`.
 */
export function nameOf(picture, ending = 'png') {
  const { prompt = '', style, seed } = picture.settings;
  const words = prompt
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40);
  return `${['underpaint', words, style, seed].filter((part) => part !== '' && part !== null && part !== undefined).join('-')}.${ending}`;
}

/**
 * Hand a file to whoever sits there.
 *
 * @param {Blob} file The file.
 * @param {string} name Its name.
 */
export function save(file, name) {
  const link = h('a', { href: URL.createObjectURL(file), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
