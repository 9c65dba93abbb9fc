/** What the page says: keys in the code, words in `words/`, a folder a language, and what a language lacks in English. */

import { shared } from './state.js';
import { en } from './words/en.js';
import { LANGUAGES } from './words/languages.js';

/** The code of the language that somebody chose; empty for the browser's own. */
export const language = shared('language', '');

let words = en;

/**
 * Speak the language that was chosen here, or the first of the browser's that there are words for; else English.
 *
 * @param {readonly string[]} wanted Codes such as `de-AT`, the best first.
 * @returns {Promise<string>} The code of the language that is spoken now.
 */
export async function speak(wanted) {
  const codes = [language.value, ...wanted].map((code) => code.toLowerCase().split('-')[0]);
  const code = codes.find((one) => Object.hasOwn(LANGUAGES, one)) ?? 'en';
  try {
    words = { ...en, ...(await LANGUAGES[code].load?.())?.words };
  } catch (error) {
    console.warn(error);
    return speakAs('en');
  }
  return speakAs(code);
}

function speakAs(code) {
  document.documentElement.lang = code;
  document.documentElement.dir = LANGUAGES[code].rtl ? 'rtl' : 'ltr';
  return code;
}

/** Return the code by which numbers and times are written: the browser's own, where that is of the language that is spoken. */
export function locale() {
  const { lang } = document.documentElement;
  return navigator.languages.find((one) => one.toLowerCase().split('-')[0] === lang) ?? lang;
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
  return at.toLocaleString(locale(), { ...date, hour: 'numeric', minute: '2-digit' });
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

/**
 * Return what a mood is called.
 *
 * @param {string} mood Its name, or words of somebody's own, which are called as they are.
 * @returns {string} Its words.
 */
export function moodName(mood) {
  const key = `mood.${mood}`;
  const words = t(key);
  const isName = !/\s/.test(mood);
  return words === key && isName ? mood.replaceAll('-', ' ') : words === key ? mood : words;
}
