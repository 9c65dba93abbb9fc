/**
 * Durable jobs, handed in once whatever happens to the connection, and followed until they are over.
 *
 * A job is written down here before it is sent, under a key that the server knows it by. If the answer is lost, or the page, it is
 * sent again under the same key and is the same job.
 */

import { onChange } from './changes.js';
import { paced } from './pacing.js';
import { Unreachable, call, overLosses, pause, reachable } from './server.js';
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
 * @property {boolean} [paused] Whether nothing is drawn at all until somebody lets the queue go on.
 */

const LASTING_MS = 24 * 3600 * 1000;
const RETRY_MS = 2000;
/** How often those that wait ask for their place in line, however much happens meanwhile. */
const PLACE_MS = 500;

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
 * @throws {ServerError} It is refused; where the server was in trouble, the same key may be sent again.
 */
export async function submit(body, idempotencyKey = freshKey()) {
  unsent.change({ [idempotencyKey]: { body, at: Date.now() } });
  try {
    const job = await overLosses(() =>
      call('POST', '/api/v1/jobs', { body, headers: { 'idempotency-key': idempotencyKey } }),
    );
    forget(idempotencyKey);
    return job;
  } catch (error) {
    if (isFinal(error)) forget(idempotencyKey);
    throw error;
  }
}

function forget(idempotencyKey) {
  const { [idempotencyKey]: _sent, ...others } = unsent.value;
  unsent.set(others);
}

/** Say whether an answer will be the same however often it is asked for: trouble and crowds pass. */
function isFinal(error) {
  return !(error instanceof Unreachable) && error.status < 500 && error.status !== 429;
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

/** Changes of one job that move others in their line. */
const MOVES = /^(job\.(started|requeued|held|succeeded|failed|cancelled|expired|moved|queued)|queue\..*)$/;

/** Whether the queue is paused, asked for once until that changes. */
let pausing = /** @type {Promise<boolean> | null} */ (null);

function isPaused() {
  pausing ??= call('GET', '/api/v1/queue').then(({ paused }) => paused);
  pausing.catch(() => (pausing = null));
  return pausing;
}

/** Look at all that wait; many moves are one reason to look. */
const waiting = paced(() => {
  for (const one of [...tracked.values()]) if (one.news?.job.state === 'queued') one.look();
}, PLACE_MS);

/** Tell the jobs that are watched what was told of all; those that wait are looked at when others moved. */
function spread({ name, data }) {
  if (name === 'reset' || name === 'open' || name.startsWith('queue.')) pausing = null;
  if (name === 'reset' || name === 'open') return tracked.forEach((one) => one.look());
  tracked.get(data.job)?.hear(name, data);
  if (MOVES.test(name)) waiting.ask();
}

let isListening = false;

class Tracked {
  /** @type {News | null} */
  news = null;
  #listeners = new Map();
  #looking = false;
  #again = false;

  constructor(id) {
    this.id = id;
    if (!isListening) onChange(spread);
    isListening = true;
    this.look();
  }

  add(listener, onlost) {
    const id = Symbol(this.id);
    this.#listeners.set(id, { listener, onlost });
    if (this.news) queueMicrotask(() => this.#listeners.has(id) && this.news && listener(this.news));
    return () => {
      this.#listeners.delete(id);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  #end() {
    if (tracked.get(this.id) === this) tracked.delete(this.id);
  }

  /** Take in what was told of this job. */
  hear(name, data) {
    const known = this.news;
    if (name === 'job.preview' && known) this.#tell({ ...known, preview: `data:image/png;base64,${data.b64_json}` });
    else if (name === 'job.image' && known) this.#tell({ job: withImage(known.job, data), preview: null });
    else if (name !== 'job.preview' && name !== 'job.progress') this.look();
  }

  /** Ask how the job is now; while an answer is awaited, one more question is enough. */
  async look() {
    this.#again = this.#looking;
    if (this.#looking) return;
    this.#looking = true;
    do {
      this.#again = false;
      await this.#look();
    } while (this.#again);
    this.#looking = false;
  }

  async #look() {
    try {
      const job = await call('GET', `/api/v1/jobs/${this.id}`);
      const images = job.images.length ? job.images : (this.news?.job.images ?? []);
      const paused = job.state === 'queued' && (await isPaused());
      this.#tell({
        job: { ...job, images },
        preview: job.state === 'running' ? (this.news?.preview ?? null) : null,
        paused,
      });
    } catch (error) {
      if (error instanceof Unreachable) return void reachable().then(() => this.look());
      if (!isFinal(error)) return void pause(error.retryMs || RETRY_MS).then(() => this.#listeners.size && this.look());
      for (const { onlost } of this.#listeners.values()) onlost(error);
      this.#end();
    }
  }

  #tell(news) {
    this.news = news;
    for (const { listener } of [...this.#listeners.values()]) listener(news);
    if (OVER.has(news.job.state)) this.#end();
  }
}

function withImage(job, { image_index: index, url, seed, pixel_sha256 }) {
  if (job.images.some((one) => one.index === index)) return job;
  const images = [...job.images, { index, url, seed, pixel_sha256 }].sort((a, b) => a.index - b.index);
  return {
    ...job,
    state: OVER.has(job.state) ? job.state : 'running',
    images,
    progress: { ...job.progress, images_done: images.length },
  };
}
