/**
 * Values that outlive the page, so that neither a reload nor a crash loses what somebody had typed.
 *
 * A value of one tab (`kept`) lies in the tab's own storage, and its last state in the browser's: a new tab begins with it, and
 * two tabs do not write over each other. A value of all tabs (`shared`) is the same everywhere, at once.
 */

const PREFIX = 'underpaint.';

/**
 * Return a storage of the browser; null where it forbids even to name one.
 *
 * @param {'sessionStorage' | 'localStorage'} name Which.
 * @returns {Storage | null} The storage.
 */
function storageOf(name) {
  try {
    return window[name];
  } catch {
    return null;
  }
}

const TAB = storageOf('sessionStorage');
const BROWSER = storageOf('localStorage');

function read(storage, name) {
  try {
    return JSON.parse(storage.getItem(PREFIX + name) ?? 'null');
  } catch {
    return null;
  }
}

function write(storage, name, value) {
  try {
    storage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still draws.
  }
}

/** @template T */
export class Value {
  #name;
  #storages;
  #listeners = new Set();
  #value;

  /**
   * @param {string} name Its name in storage.
   * @param {T} start What it is at first; an object's missing fields are filled in from it.
   * @param {Array<Storage | null>} storages Where it is kept, the first that has it is read.
   */
  constructor(name, start, storages) {
    this.#name = name;
    this.#storages = storages;
    this.start = start;
    const found = storages.map((storage) => read(storage, name)).find((one) => one !== null);
    this.#value = this.#whole(found);
    if (BROWSER && storages[0] === BROWSER) addEventListener('storage', (event) => this.#heard(event));
  }

  #whole(found) {
    const start = this.start;
    if (found === null || found === undefined || typeof found !== typeof start) return start;
    const isRecord = typeof start === 'object' && start !== null && !Array.isArray(start);
    return isRecord ? { ...start, ...found } : found;
  }

  #heard(event) {
    if (event.key !== PREFIX + this.#name) return;
    this.#value = this.#whole(read(BROWSER, this.#name));
    this.#tell();
  }

  #tell() {
    for (const listener of [...this.#listeners]) listener(this.#value);
  }

  /** @returns {T} What it is now; change it with `set` or `change`, never in place. */
  get value() {
    return this.#value;
  }

  /** @param {T} value What it is from now on. */
  set(value) {
    this.#value = value;
    for (const storage of this.#storages) write(storage, this.#name, value);
    this.#tell();
  }

  /** @param {Partial<T>} fields What changes of an object. */
  change(fields) {
    this.set({ ...this.#value, ...fields });
  }

  /**
   * @param {(value: T) => void} listener Told of every change.
   * @returns {() => void} Ends that.
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/**
 * Return a value of this tab.
 *
 * @template T
 * @param {string} name Its name.
 * @param {T} start What it is at first.
 * @returns {Value<T>} The value.
 */
export function kept(name, start) {
  return new Value(name, start, [TAB, BROWSER]);
}

/**
 * Return a value of all tabs.
 *
 * @template T
 * @param {string} name Its name.
 * @param {T} start What it is at first.
 * @returns {Value<T>} The value.
 */
export function shared(name, start) {
  return new Value(name, start, [BROWSER]);
}
