/**
 * All changes of jobs and pictures, over one connection of the browser: a browser has few for a server, and tabs are many.
 *
 * One tab holds the stream and tells the others. When it is closed, the next takes it up where it was. Where browsers know no
 * locks (they do on this machine's own address, and under https), each tab has a stream of its own.
 */

import { follow } from './events.js';

/**
 * @typedef {object} Change
 * @property {string} name As `job.image` or `gallery.deleted`; `reset` where nobody knows what was missed.
 * @property {any} data What it says.
 * @property {string | null} id Its place in the stream.
 */

const PATH = '/api/v1/events?previews=true';
const NAME = 'underpaint.changes';

/** @type {Set<(change: Change) => void>} */
const listeners = new Set();
/** @type {string | null} */
let last = null;
let isStarted = false;

/**
 * Be told of every change from now on.
 *
 * @param {(change: Change) => void} listener Told.
 * @returns {() => void} Ends that.
 */
export function onChange(listener) {
  listeners.add(listener);
  if (!isStarted) start();
  return () => listeners.delete(listener);
}

function start() {
  isStarted = true;
  if (!navigator.locks) return listen(tell);
  const channel = new BroadcastChannel(NAME);
  channel.addEventListener('message', ({ data }) => tell(data));
  navigator.locks.request(NAME, () => listen((change) => (tell(change), channel.postMessage(change))));
}

function tell(change) {
  last = change.id ?? last;
  for (const listener of [...listeners]) listener(change);
}

/** Read the stream as long as the page lives. */
async function listen(hear) {
  for (;;) {
    try {
      await follow(PATH, (event) => hear(event), { after: last });
    } catch {
      // The place is known no longer, or the key has changed: what was missed cannot be told, so all is asked for anew.
      last = null;
      hear({ name: 'reset', data: {}, id: null });
      await new Promise((resolve) => setTimeout(resolve, 4000));
    }
  }
}
