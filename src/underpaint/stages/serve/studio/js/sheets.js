/** Sheets on the server: one subject in many moods, handed in once, seen as pictures. */

import { freshKey } from './jobs.js';
import { call, overLosses } from './server.js';
import { kept } from './state.js';

/**
 * @typedef {object} Sheet As `GET /api/v1/sheets/{id}` answers.
 * @property {string} id
 * @property {string} subject
 * @property {string} status
 * @property {number} created_at
 * @property {number | null} finished_at
 * @property {string} model
 * @property {string | null} style
 * @property {number} seed
 * @property {number} same
 * @property {{total: number, completed: number, failed: number}} counts
 * @property {Array<{mood: string | null, prompt: string, state: string, job: string | null, image: any}>} pictures
 * @property {string | null} error
 */

const NOTHING = { body: '', key: '' };

/** The sheet that was sent and not yet answered. */
const pending = kept('sheet.pending', NOTHING);

/**
 * Hand in a sheet, over lost connections; the same one whose answer was lost is the same sheet to the server.
 *
 * @param {Object<string, any>} body As `POST /api/v1/sheets` takes it.
 * @returns {Promise<Sheet>} The sheet.
 * @throws {ServerError} It is refused.
 */
export async function handIn(body) {
  const key = pending.value.body === JSON.stringify(body) ? pending.value.key : freshKey();
  pending.set({ body: JSON.stringify(body), key });
  const sheet = await overLosses(() => call('POST', '/api/v1/sheets', { body, headers: { 'idempotency-key': key } }));
  if (pending.value.key === key) pending.set(NOTHING);
  return sheet;
}

/**
 * Return the pictures of a sheet that are finished.
 *
 * @param {Sheet} sheet The sheet.
 * @returns {import('./pictures.js').Picture[]} In their order.
 */
export function picturesOfSheet(sheet) {
  return sheet.pictures.filter((one) => one.image).map((one) => pictureOf(sheet, one));
}

/**
 * Return one picture of a sheet as all pictures are.
 *
 * @param {Sheet} sheet The sheet.
 * @param {Sheet['pictures'][number]} one One of its pictures, finished.
 * @returns {import('./pictures.js').Picture} The picture.
 */
export function pictureOf(sheet, { prompt, job, image }) {
  const { pixel_sha256, url, width, height, cost } = image;
  const settings = { prompt, style: sheet.style, seed: sheet.seed, model: sheet.model };
  return { pixel_sha256, url, width, height, cost, created_at: sheet.created_at, job, settings };
}
