/** Light or dark, as the system says or as somebody chose, in every tab. */

import { button } from './elements.js';
import { shared } from './state.js';
import { t } from './words.js';

/** `auto`, `light` or `dark`. */
export const theme = shared('theme', 'auto');

const system = matchMedia('(prefers-color-scheme: dark)');

function isDark() {
  return theme.value === 'dark' || (theme.value === 'auto' && system.matches);
}

function apply() {
  document.documentElement.dataset.theme = theme.value;
}

/**
 * Make the button that changes it.
 *
 * @returns {HTMLElement} The button.
 */
export function themeButton() {
  const toLight = button(t('theme.light'), () => theme.set('light'), {
    icon: 'sun',
    bare: true,
    class: 'button bare',
  });
  const toDark = button(t('theme.dark'), () => theme.set('dark'), { icon: 'moon', bare: true, class: 'button bare' });
  const place = document.createElement('span');
  const show = () => {
    const [next, had] = [isDark() ? toLight : toDark, place.contains(document.activeElement)];
    place.replaceChildren(next);
    if (had) next.focus();
  };
  theme.subscribe(() => (apply(), show()));
  system.addEventListener('change', show);
  apply();
  show();
  return place;
}
