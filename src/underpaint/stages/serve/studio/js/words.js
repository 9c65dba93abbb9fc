/** What the page says: keys in the code, words in `words/`, a file a language. */

import { en } from './words/en.js';

/** @type {Object<string, () => Promise<Object<string, any>>>} Languages beside English: code to its words. */
const OTHERS = {};

/** Codes of all languages. */
export const LANGUAGES = ['en', ...Object.keys(OTHERS)];

let words = en;

/**
 * Speak another language; what it has no words for stays English.
 *
 * @param {readonly string[]} wanted Codes such as `de-AT`, the best first.
 * @returns {Promise<string>} The code of the language that is spoken now.
 */
export async function speak(wanted) {
  const codes = wanted.map((code) => code.toLowerCase().split('-')[0]);
  const code = codes.find((one) => LANGUAGES.includes(one)) ?? 'en';
  words = code === 'en' ? en : { ...en, ...(await OTHERS[code]()) };
  document.documentElement.lang = code;
  return code;
}

/**
 * Return the words of a key.
 *
 * @param {string} key As `create.draw`.
 * @param {Object<string, any>} [values] What stands in the words as `{name}`; where the words depend on a number, they are a
 *     function of these values.
 * @returns {string} The words; the key itself if there are none.
 */
export function t(key, values = {}) {
  const found = words[key];
  if (typeof found === 'function') return found(values);
  return (found ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * Return a moment as people say it.
 *
 * @param {number} seconds Since 1970.
 * @returns {string} As `14:05`, or with its date if it was not today.
 */
export function moment(seconds) {
  const at = new Date(1000 * seconds);
  const isToday = at.toDateString() === new Date().toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const date = isToday ? {} : { day: 'numeric', month: 'short' };
  return at.toLocaleString(navigator.language, { ...date, hour: 'numeric', minute: '2-digit' });
}

/**
 * Return a time span as people say it.
 *
 * @param {number} ms Milliseconds.
 * @returns {string} As `0.4 s` or `3 min`.
 */
export function span(ms) {
  if (ms < 1000) return t('span.ms', { n: Math.max(1, Math.round(ms)) });
  if (ms < 90_000) return t('span.s', { n: ms < 10_000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000) });
  return t('span.min', { n: Math.round(ms / 60_000) });
}

/**
 * Return what a style is called.
 *
 * @param {string | null | undefined} style Its name.
 * @returns {string} Its words; none for none.
 */
export function styleName(style) {
  if (!style) return '';
  const key = `style.${style}`;
  const words = t(key);
  return words === key ? style[0].toUpperCase() + style.slice(1) : words;
}
