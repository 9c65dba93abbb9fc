/** Events that the server sends, read so that a connection that breaks is taken up where it broke. */

import { Unreachable, pause, reachable, request } from './server.js';

/**
 * @typedef {object} ServerEvent
 * @property {string} name As `job.image`.
 * @property {any} data What it says.
 * @property {string | null} id Its number.
 */

/**
 * Follow a stream of events until it ends, over lost connections and restarts of the server.
 *
 * @param {string} path As `/api/v1/jobs/ID/events`.
 * @param {(event: ServerEvent) => (boolean | void)} listener Told of every event, once; true ends the stream.
 * @param {{signal?: AbortSignal, after?: string | null}} [how] `after` is the number of the last event that is known.
 * @throws {ServerError} There is no such stream.
 */
export async function follow(path, listener, { signal, after = null } = {}) {
  let last = after;
  const told = (event) => {
    last = event.id ?? last;
    return listener(event);
  };
  for (let wait = 250; !signal?.aborted; wait = Math.min(2 * wait, 8000)) {
    try {
      const headers = last === null ? {} : { 'last-event-id': last };
      const response = await request('GET', path, { headers, signal });
      wait = 250;
      if (await readAll(response, told, signal)) return;
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof Unreachable) await reachable(signal);
      else if (error.status && error.status < 500) throw error;
    }
    await pause(wait, signal);
  }
}

/**
 * Read the events of an answer; say whether the listener has heard enough.
 *
 * @param {Response} response The answer.
 * @param {(event: ServerEvent) => (boolean | void)} listener Told of every event.
 * @param {AbortSignal} [signal] Ends the reading.
 * @returns {Promise<boolean>} Whether the listener ended it.
 */
export async function readAll(response, listener, signal) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    while (!signal?.aborted) {
      const { value, done } = await reader.read();
      if (done) return false;
      const parts = (text + value).split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const event = parsed(part);
        if (event && listener(event)) return true;
      }
    }
    return true;
  } finally {
    reader.cancel().catch(() => {});
  }
}

/**
 * Return the event of some lines; null if they are a comment.
 *
 * @param {string} text Its lines.
 * @returns {ServerEvent | null} The event.
 */
export function parsed(text) {
  const fields = { event: 'message', data: null, id: null };
  for (const row of text.split('\n')) {
    const colon = row.indexOf(':');
    if (colon > 0) fields[row.slice(0, colon)] = row.slice(colon + 1).replace(/^ /, '');
  }
  return fields.data === null ? null : { name: fields.event, data: JSON.parse(fields.data), id: fields.id };
}
