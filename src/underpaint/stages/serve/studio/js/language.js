/** The switch of the language, where there are several; the page is loaded again, and nothing that was typed is lost. */

import { h } from './elements.js';
import { language, t } from './words.js';
import { LANGUAGES } from './words/languages.js';

/**
 * Make the switch.
 *
 * @returns {HTMLElement | null} A list to choose from; none where there is one language.
 */
export function languageSwitch() {
  const codes = Object.keys(LANGUAGES);
  if (codes.length < 2) return null;
  const { lang } = document.documentElement;
  const options = codes.map((code) =>
    h('option', { value: code, selected: code === lang, lang: code }, LANGUAGES[code].name),
  );
  const choose = () => (language.set(select.value), location.reload());
  const select = h('select', { class: 'language', 'aria-label': t('language'), onchange: choose }, options);
  return select;
}
