/** A list as the server reads it: looked through as a whole, told how far that is, given up when nobody waits. */

import { readAll } from './events.js';
import { ServerError, Unreachable, request } from './server.js';

/** How long the server hands a list in without looking through it again. */
const GOOD_MS = 45_000;

/** What was looked through last, and when. */
let last = { text: '', at: 0 };

const textOf = ({ text, common }) => JSON.stringify([text, common]);

/**
 * Look a list through.
 *
 * @param {any} body As `POST /api/v1/batch-list/check` takes it.
 * @param {{signal: AbortSignal, onprogress: (rows: number, of: number) => void}} how `onprogress` is told how far it is.
 * @returns {Promise<any>} What was found; null if it was given up.
 * @throws {ServerError} It is no list.
 * @throws {Unreachable} The server does not answer.
 */
export async function checkList(body, { signal, onprogress }) {
  const answer = await request('POST', '/api/v1/batch-list/check', { query: { progress: true }, body, signal });
  let found = null;
  try {
    await readAll(
      answer,
      ({ name, data }) => {
        if (name === 'progress') onprogress(data.rows, data.of);
        else if (name === 'error') throw new ServerError(400, data.error);
        else found = data;
        return found !== null;
      },
      signal,
    );
  } catch (error) {
    if (signal.aborted) return null;
    throw error instanceof ServerError ? error : new Unreachable();
  }
  if (signal.aborted) return null;
  if (!found) throw new Unreachable();
  last = { text: textOf(body), at: Date.now() };
  return found;
}

/**
 * Say whether a list was looked through so lately that it can be handed in as it is.
 *
 * @param {any} body The list.
 * @returns {boolean} Whether it was.
 */
export function isFresh(body) {
  return last.text === textOf(body) && Date.now() - last.at < GOOD_MS;
}
