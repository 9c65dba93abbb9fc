/** Calls to the server: what goes wrong is said in the server's own words, and whether it can be reached is known. */

import { shared } from './state.js';
import { t } from './words.js';

/** Where the server's paths begin; the page lies one level below, also behind a proxy that puts something in front. */
export const ROOT = new URL('../', document.baseURI);

/** The key that the server asks for, if it does. */
export const key = shared('key', '');

/** Told `online` with whether the server can be reached, and `locked` when it asks for a key. */
export const line = new EventTarget();

let isOnline = true;

/** What the server refuses, in its words. */
export class ServerError extends Error {
  /**
   * @param {number} status The HTTP status.
   * @param {{message: string, code: string | null, param: string | null}} fields What is wrong.
   * @param {number} retryMs After how many milliseconds another try may go better; 0 if it would not.
   */
  constructor(status, fields, retryMs = 0) {
    super(fields.message);
    Object.assign(this, { status, code: fields.code, param: fields.param, retryMs });
  }
}

/** The server does not answer. */
export class Unreachable extends Error {
  constructor() {
    super(t('server.unreachable'));
  }
}

/**
 * Return the address of a path of the server.
 *
 * @param {string} path As `/api/v1/jobs`.
 * @param {Object<string, any>} [query] Its query; null, undefined and '' are left out.
 * @returns {string} The address.
 */
export function address(path, query = {}) {
  const url = new URL(path.replace(/^\//, ''), ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') url.searchParams.set(name, String(value));
  }
  return url.href;
}

function heard(online) {
  if (online === isOnline) return;
  isOnline = online;
  line.dispatchEvent(new CustomEvent('online', { detail: online }));
}

async function refusal(response) {
  const text = await response.text();
  let fields = { message: t('server.odd', { status: response.status }), code: null, param: null };
  try {
    fields = { ...fields, ...JSON.parse(text).error };
  } catch {
    // Something between us and the server answered; its words mean nothing here.
  }
  return new ServerError(response.status, fields, Number(response.headers.get('retry-after-ms') ?? 0));
}

/**
 * Call the server and return the answer as it comes.
 *
 * @param {string} method As `GET`.
 * @param {string} path As `/api/v1/jobs`.
 * @param {{query?: Object<string, any>, body?: any, form?: FormData, headers?: Object<string, string>,
 *     signal?: AbortSignal}} [how] `body` is sent as JSON.
 * @returns {Promise<Response>} The answer, a success.
 * @throws {ServerError} It refuses.
 * @throws {Unreachable} It does not answer.
 */
export async function request(method, path, { query, body, form, headers = {}, signal } = {}) {
  const sent = { ...headers };
  if (key.value) sent.authorization = `Bearer ${key.value}`;
  if (body !== undefined) sent['content-type'] = 'application/json';
  const content = form ?? (body === undefined ? undefined : JSON.stringify(body));
  let response;
  try {
    response = await fetch(address(path, query), { method, headers: sent, body: content, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    heard(false);
    throw new Unreachable();
  }
  heard(true);
  if (response.ok) return response;
  if (response.status === 401) line.dispatchEvent(new Event('locked'));
  throw await refusal(response);
}

/**
 * Call the server and return the JSON that it answers with; null where it answers with nothing.
 *
 * @param {string} method As `GET`.
 * @param {string} path As `/api/v1/jobs`.
 * @param {Parameters<typeof request>[2]} [how] As for `request`.
 * @returns {Promise<any>} The answer.
 */
export async function call(method, path, how) {
  const text = await (await request(method, path, how)).text();
  return text ? JSON.parse(text) : null;
}

/**
 * Wait until the server answers again.
 *
 * @param {AbortSignal} [signal] Ends the waiting.
 */
export async function reachable(signal) {
  for (let wait = 500; !signal?.aborted; wait = Math.min(2 * wait, 8000)) {
    try {
      await request('GET', '/health', { signal });
      return;
    } catch (error) {
      if (!(error instanceof Unreachable)) return;
      await pause(wait, signal);
    }
  }
}

/**
 * Do something over lost connections: what the server did not answer is done again when it answers.
 *
 * @template T
 * @param {() => Promise<T>} work Does it; done twice it must be as good as done once.
 * @param {AbortSignal} [signal] Ends the waiting.
 * @param {number} [tries] How often it is done at most.
 * @returns {Promise<T>} What it returns.
 * @throws {ServerError} It is refused.
 * @throws {Unreachable} The waiting was ended, or no try was answered.
 */
export async function overLosses(work, signal, tries = Infinity) {
  for (let wait = 250, done = 1; ; wait = Math.min(2 * wait, 8000), done += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unreachable) || signal?.aborted || done >= tries) throw error;
    }
    await pause(wait, signal);
    await reachable(signal);
  }
}

/**
 * Wait.
 *
 * @param {number} ms Milliseconds.
 * @param {AbortSignal} [signal] Ends the waiting sooner.
 * @returns {Promise<void>} Then.
 */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
