/** Several pictures under one glass: what is made larger or moved in one is so in all. */

import { button, h } from '../elements.js';
import { t } from '../words.js';

const MOST = 8;
const STEP = 1.5;

/**
 * Make pictures larger together.
 *
 * @param {HTMLElement[]} pictures What is made larger, each in a frame that cuts off what lies outside.
 * @returns {HTMLElement} The buttons for it; a wheel with Ctrl, two fingers or a drag do the same on each picture.
 */
export function zoomTogether(pictures) {
  const state = { scale: 1, x: 0, y: 0 };

  const show = () => {
    const most = (state.scale - 1) / 2;
    state.x = clamped(state.x, most);
    state.y = clamped(state.y, most);
    for (const picture of pictures) {
      picture.style.setProperty('transform', `translate(${100 * state.x}%, ${100 * state.y}%) scale(${state.scale})`);
      picture.classList.toggle('zoomed', state.scale > 1);
    }
    smaller.disabled = whole.disabled = state.scale <= 1;
    larger.disabled = state.scale >= MOST;
  };
  const by = (factor) => {
    const scale = Math.min(Math.max(state.scale * factor, 1), MOST);
    Object.assign(state, { x: (state.x * scale) / state.scale, y: (state.y * scale) / state.scale, scale });
    show();
  };
  const larger = button(t('zoom.larger'), () => by(STEP), { icon: 'plus', bare: true });
  const smaller = button(t('zoom.smaller'), () => by(1 / STEP), { icon: 'minus', bare: true });
  const whole = button(t('zoom.whole'), () => by(0), { icon: 'undo', bare: true });

  for (const picture of pictures)
    takePointer(picture, by, (x, y) => (Object.assign(state, { x: state.x + x, y: state.y + y }), show()));
  show();
  return h('div', { class: 'row zoom', role: 'group', 'aria-label': t('zoom.title') }, smaller, larger, whole);
}

function clamped(value, most) {
  return Math.min(Math.max(value, -most), most);
}

function takePointer(picture, by, move) {
  picture.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      by(Math.exp(-event.deltaY / 200));
    },
    { passive: false },
  );
  picture.addEventListener('pointerdown', (event) => {
    if (!picture.classList.contains('zoomed')) return;
    picture.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  picture.addEventListener('pointermove', (event) => {
    if (!picture.hasPointerCapture(event.pointerId)) return;
    move(event.movementX / picture.offsetWidth, event.movementY / picture.offsetHeight);
  });
}
