/**
 * Durable jobs, handed in once whatever happens to the connection, and followed until they are over.
 *
 * A job is written down here before it is sent, under a key that the server knows it by. If the answer is lost, or the page, it is
 * sent again under the same key and is the same job.
 */

import { follow } from './events.js';
import { Unreachable, call, reachable } from './server.js';
import { shared } from './state.js';

/**
 * @typedef {object} Job As `GET /api/v1/jobs/{id}` answers (docs/serve.md).
 * @property {string} id
 * @property {'generation' | 'edit' | string} kind
 * @property {'queued' | 'running' | 'held' | 'succeeded' | 'failed' | 'cancelled' | 'expired'} state
 * @property {number} created_at
 * @property {number | null} position
 * @property {number | null} eta_ms
 * @property {{images_done: number, n: number}} progress
 * @property {Object<string, any>} request
 * @property {Array<{index: number, url: string, seed: number, pixel_sha256: string, width: number, height: number}>} images
 * @property {{message: string} | null} error
 *
 * @typedef {object} News What is told of a job.
 * @property {Job} job As it is now; `images` holds those that are finished so far.
 * @property {string | null} preview An unfinished picture of the one that is being drawn, as a `data:` address.
 */

const MOST_STREAMS = 3;
const LOOK_EVERY_MS = 1500;
const LASTING_MS = 24 * 3600 * 1000;

/** States in which a job is over. */
export const OVER = new Set(['succeeded', 'failed', 'cancelled', 'expired']);

/** What was written down and not yet answered: key to body. */
const unsent = shared('unsent', /** @type {Object<string, {body: any, at: number}>} */ ({}));

/** @type {Map<string, Tracked>} */
const tracked = new Map();

/**
 * Hand in a job, over lost connections.
 *
 * @param {{kind?: string, request: Object<string, any>, priority?: number}} body As `POST /api/v1/jobs` takes it.
 * @param {string} [idempotencyKey] The key of a job that was written down before.
 * @returns {Promise<Job>} The job.
 * @throws {ServerError} It is refused.
 */
export async function submit(body, idempotencyKey = freshKey()) {
  unsent.change({ [idempotencyKey]: { body, at: Date.now() } });
  try {
    const job = await sent(body, idempotencyKey);
    forget(idempotencyKey);
    return job;
  } catch (error) {
    if (!(error instanceof Unreachable)) forget(idempotencyKey);
    throw error;
  }
}

async function sent(body, idempotencyKey) {
  for (;;) {
    try {
      return await call('POST', '/api/v1/jobs', { body, headers: { 'idempotency-key': idempotencyKey } });
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      await reachable();
    }
  }
}

function forget(idempotencyKey) {
  const { [idempotencyKey]: _sent, ...others } = unsent.value;
  unsent.set(others);
}

/** Return what a page that ended before it was answered had written down: keys and bodies. */
export function leftBehind() {
  const young = Object.entries(unsent.value).filter(([, { at }]) => Date.now() - at < LASTING_MS);
  unsent.set(Object.fromEntries(young));
  return young.map(([idempotencyKey, { body }]) => ({ key: idempotencyKey, body }));
}

/** Return a key that no other job has. */
export function freshKey() {
  const words = crypto.getRandomValues(new Uint32Array(4));
  return `studio-${[...words].map((word) => word.toString(16).padStart(8, '0')).join('')}`;
}

/**
 * Change a job.
 *
 * @param {string} id The job.
 * @param {'cancel' | 'hold' | 'unhold' | 'retry' | 'move'} change What to do; `retry` makes a new job.
 * @param {any} [body] What `move` takes.
 * @returns {Promise<Job>} As it is then.
 */
export async function changeJob(id, change, body) {
  const job = await call('POST', `/api/v1/jobs/${id}/${change}`, body === undefined ? {} : { body });
  tracked.get(id)?.look();
  return job;
}

/**
 * Be told of a job, now and whenever it changes, until it is over.
 *
 * @param {string} id The job.
 * @param {(news: News) => void} listener Told; the last time with a state in which it is over.
 * @param {(error: Error) => void} [onlost] Told if there is no such job.
 * @returns {() => void} Ends that.
 */
export function watch(id, listener, onlost = () => {}) {
  const one = tracked.get(id) ?? new Tracked(id);
  tracked.set(id, one);
  return one.add(listener, onlost);
}

class Tracked {
  /** @type {News | null} */
  news = null;
  #listeners = new Map();
  #ending = new AbortController();
  #looking = false;
  #again = false;

  constructor(id) {
    this.id = id;
    this.#follow();
  }

  add(listener, onlost) {
    const id = Symbol(this.id);
    this.#listeners.set(id, { listener, onlost });
    if (this.news) queueMicrotask(() => this.#listeners.has(id) && listener(this.news));
    return () => {
      this.#listeners.delete(id);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  #end() {
    this.#ending.abort();
    if (tracked.get(this.id) === this) tracked.delete(this.id);
  }

  async #follow() {
    const { signal } = this.#ending;
    const timer = setInterval(() => this.news?.job.state === 'queued' && this.look(), LOOK_EVERY_MS);
    signal.addEventListener('abort', () => clearInterval(timer));
    try {
      await this.look();
      if (signal.aborted) return;
      await inTurn(signal, () => follow(`/api/v1/jobs/${this.id}/events`, (event) => this.#heard(event), { signal }));
    } catch (error) {
      for (const { onlost } of this.#listeners.values()) onlost(error);
      this.#end();
    }
  }

  #heard({ name, data }) {
    if (name === 'job.preview') this.#tell({ ...this.news, preview: `data:image/png;base64,${data.b64_json}` });
    else if (name === 'job.image') this.#tell({ job: withImage(this.news.job, data), preview: null });
    else this.look();
    return this.#ending.signal.aborted || OVER.has(name.replace('job.', ''));
  }

  /** Ask how the job is now. */
  async look() {
    this.#again = this.#looking;
    if (this.#looking) return;
    this.#looking = true;
    try {
      do {
        this.#again = false;
        await this.#look();
      } while (this.#again);
    } finally {
      this.#looking = false;
    }
  }

  async #look() {
    try {
      const job = await call('GET', `/api/v1/jobs/${this.id}`);
      const images = job.images.length ? job.images : (this.news?.job.images ?? []);
      this.#tell({ job: { ...job, images }, preview: job.state === 'running' ? (this.news?.preview ?? null) : null });
    } catch (error) {
      if (error instanceof Unreachable) return;
      throw error;
    }
  }

  #tell(news) {
    this.news = news;
    for (const { listener } of [...this.#listeners.values()]) listener(news);
    if (OVER.has(news.job.state)) this.#end();
  }
}

function withImage(job, { image_index: index, ...image }) {
  if (job.images.some((one) => one.index === index)) return job;
  const images = [...job.images, { index, ...image }].sort((a, b) => a.index - b.index);
  return { ...job, images, progress: { ...job.progress, images_done: images.length } };
}

let streams = 0;
/** @type {Array<() => void>} */
const waiting = [];

/** Let few streams be open at once: a browser has few connections for a server, and other calls need some. */
async function inTurn(signal, work) {
  if (streams >= MOST_STREAMS) {
    await new Promise((resolve) => {
      waiting.push(() => resolve(null));
      signal.addEventListener('abort', () => resolve(null));
    });
  }
  if (signal.aborted) return;
  streams += 1;
  try {
    await work();
  } finally {
    streams -= 1;
    waiting.shift()?.();
  }
}
