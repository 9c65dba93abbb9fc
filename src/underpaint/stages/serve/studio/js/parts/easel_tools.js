/** The tools beside the easel: a veil or paint, how broad, which color, taking back. */

import { button, field, h } from '../elements.js';
import { t } from '../words.js';
import { choice } from './choices.js';

const COLORS = [
  '#1c1917',
  '#ffffff',
  '#e03131',
  '#f08c00',
  '#fcc419',
  '#2f9e44',
  '#1c7ed6',
  '#7048e8',
  '#e64980',
  '#8d6e4f',
  '#f3c9a5',
  '#868e96',
];

/**
 * Make the tools of an easel.
 *
 * @param {ReturnType<typeof import('./easel.js').makeEasel>} easel The easel.
 * @returns {{element: HTMLElement, show: () => void, choose: (layer: 'paint' | 'veil') => void}} The tools; `show` shows what can
 *     be done now.
 */
export function easelTools(easel) {
  const { brush } = easel;
  const layers = choice(
    t('easel.tool'),
    [
      { value: 'veil', words: t('easel.veil') },
      { value: 'paint', words: t('easel.paint') },
    ],
    brush.layer,
    (value) => choose(/** @type {'paint' | 'veil'} */ (value)),
  );
  const about = h('p', { class: 'hint', role: 'status' });
  const size = h('input', {
    type: 'range',
    min: 8,
    max: 128,
    step: 4,
    value: brush.size,
    oninput: () => (brush.size = Number(size.value)),
  });
  const colors = palette(brush);
  const eraser = button(
    t('easel.erase'),
    () => {
      brush.erases = !brush.erases;
      eraser.setAttribute('aria-pressed', String(brush.erases));
    },
    { icon: 'eraser', 'aria-pressed': 'false' },
  );
  const undo = button(t('undo'), () => easel.undo(), { icon: 'undo' });
  const clear = button(t('easel.clear'), () => easel.clear(brush.layer), { icon: 'trash' });
  const invert = button(t('easel.invert'), () => easel.invert(), { icon: 'invert' });
  const element = h(
    'div',
    { class: 'easel-tools' },
    layers.element,
    about,
    colors,
    h('div', { class: 'easel-size' }, field(t('easel.size'), size)),
    h('div', { class: 'row' }, eraser, undo, invert, clear),
  );

  function choose(layer) {
    brush.layer = layer;
    brush.erases = false;
    layers.set(layer);
    eraser.setAttribute('aria-pressed', 'false');
    show();
  }

  function show() {
    const isVeil = brush.layer === 'veil';
    about.textContent = t(isVeil ? 'easel.veil_about' : 'easel.paint_about');
    colors.hidden = isVeil;
    invert.hidden = !isVeil;
    undo.disabled = !easel.canUndo();
    clear.disabled = easel.isEmpty(brush.layer);
  }

  show();
  return { element, show, choose };
}

function palette(brush) {
  const chips = COLORS.map((color) => {
    const input = h('input', {
      type: 'radio',
      name: 'easel-color',
      value: color,
      'aria-label': t(`color.${color.slice(1)}`),
      checked: color === brush.color,
    });
    input.addEventListener('change', () => ((brush.color = color), (brush.erases = false)));
    const dab = h('span', {});
    dab.style.setProperty('background', color);
    return h('label', { class: 'dab-chip' }, input, dab);
  });
  const own = h('input', {
    type: 'color',
    value: brush.color,
    'aria-label': t('color.own'),
    oninput: () => (brush.color = own.value),
  });
  return h('fieldset', { class: 'palette' }, h('legend', { class: 'unseen' }, t('easel.color')), chips, own);
}
