/**
 * The languages of the page: one entry each, whose words lie in a folder of its code. docs/studio.md says how one is added.
 *
 * @typedef {object} Language
 * @property {string} name What those who speak it call it.
 * @property {() => Promise<{words: Object<string, string | ((values: any) => string)>}>} [load] Its words; what is missing in them is
 *     said in English, which has none to load.
 * @property {boolean} [rtl] Whether it is written from right to left.
 */

/** @type {Object<string, Language>} By their codes (ISO 639), such as `de`. */
export const LANGUAGES = {
  en: { name: 'English' },
};
