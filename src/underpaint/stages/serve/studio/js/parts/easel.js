/**
 * The easel: a picture, paint over it, and a veil over what shall be drawn anew; by pointer, by pen, or by keys.
 *
 * Paint and veil are layers of their own. Each stroke can be taken back.
 */

import { enlarge } from '../enlarge.js';
import { h } from '../elements.js';
import { blank, imageFrom } from '../sources.js';
import { t } from '../words.js';

const SIDE = 512;
const MOST_UNDONE = 30;
const LAYERS = /** @type {const} */ (['paint', 'veil']);

/**
 * @typedef {object} Brush
 * @property {'paint' | 'veil'} layer Where it strokes.
 * @property {number} size Its width; the easel is 512 wide.
 * @property {string} color Of paint.
 * @property {boolean} erases Whether it takes away.
 */

/**
 * Make an easel.
 *
 * @param {() => void} onchange Told after every stroke.
 * @returns The easel.
 */
export function makeEasel(onchange) {
  const view = h('canvas', {
    width: SIDE,
    height: SIDE,
    tabindex: '0',
    role: 'img',
    'aria-label': t('easel.label'),
    'aria-describedby': 'easel-hint',
  });
  const cursor = h('div', { class: 'easel-cursor', 'aria-hidden': 'true', hidden: true });
  const element = h(
    'div',
    { class: 'tile easel' },
    h('div', { class: 'paper' }, view),
    cursor,
    h('p', { class: 'unseen', id: 'easel-hint' }, t('easel.keys')),
  );
  const layers = Object.fromEntries(LAYERS.map((name) => [name, blank(SIDE)]));
  const ground = blank(SIDE);
  /** @type {Array<{layer: string, pixels: ImageData}>} */
  const undone = [];
  /** @type {Brush} */
  const brush = { layer: 'veil', size: 48, color: '#d9480f', erases: false };

  const contextOf = (canvas) =>
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));

  function show() {
    const context = contextOf(view);
    context.clearRect(0, 0, SIDE, SIDE);
    context.drawImage(ground, 0, 0);
    context.drawImage(layers.paint, 0, 0);
    context.globalAlpha = 0.55;
    context.drawImage(layers.veil, 0, 0);
    context.globalAlpha = 1;
  }

  /** Remember a layer before it changes. */
  function remember(layer) {
    undone.push({ layer, pixels: contextOf(layers[layer]).getImageData(0, 0, SIDE, SIDE) });
    if (undone.length > MOST_UNDONE) undone.shift();
  }

  function stroke(from, to) {
    const context = contextOf(layers[brush.layer]);
    context.globalCompositeOperation = brush.erases ? 'destination-out' : 'source-over';
    context.strokeStyle = brush.layer === 'veil' ? '#c2410c' : brush.color;
    context.lineWidth = brush.size;
    context.lineCap = context.lineJoin = 'round';
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x + 0.01, to.y);
    context.stroke();
    show();
  }

  takePointer(view, { begin: () => remember(brush.layer), stroke, end: onchange });
  takeKeys(view, cursor, brush, { begin: () => remember(brush.layer), stroke, end: onchange });

  function undo() {
    const last = undone.pop();
    if (!last) return;
    contextOf(layers[last.layer]).putImageData(last.pixels, 0, 0);
    show();
    onchange();
  }

  function clear(layer) {
    remember(layer);
    contextOf(layers[layer]).clearRect(0, 0, SIDE, SIDE);
    show();
    onchange();
  }

  function invert() {
    remember('veil');
    const context = contextOf(layers.veil);
    context.globalCompositeOperation = 'source-out';
    context.fillStyle = '#c2410c';
    context.fillRect(0, 0, SIDE, SIDE);
    show();
    onchange();
  }

  /** Lay a picture on the easel, or a blank sheet for null; `layersData` are layers that were kept. */
  async function lay(data, layersData = {}) {
    contextOf(ground).clearRect(0, 0, SIDE, SIDE);
    if (data) enlarge(await createImageBitmap(await imageFrom(data)), ground);
    undone.length = 0;
    for (const name of LAYERS) {
      const context = contextOf(layers[name]);
      context.globalCompositeOperation = 'source-over';
      context.clearRect(0, 0, SIDE, SIDE);
      if (layersData[name]) context.drawImage(await imageFrom(layersData[name]), 0, 0);
    }
    show();
  }

  const isEmpty = (layer) =>
    !contextOf(layers[layer])
      .getImageData(0, 0, SIDE, SIDE)
      .data.some((value, i) => i % 4 === 3 && value > 127);

  return {
    element,
    brush,
    undo,
    clear,
    invert,
    lay,
    isEmpty,
    layers,
    canUndo: () => undone.length > 0,
    dataOf: (layer) => (isEmpty(layer) ? null : layers[layer].toDataURL('image/png')),
  };
}

/** @typedef {{begin: () => void, stroke: (from: {x: number, y: number}, to: {x: number, y: number}) => void, end: () => void}} Strokes */

function takePointer(view, { begin, stroke, end }) {
  let last = /** @type {{x: number, y: number} | null} */ (null);
  const place = (event) => {
    const box = view.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * SIDE) / box.width, y: ((event.clientY - box.top) * SIDE) / box.height };
  };
  view.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    view.setPointerCapture(event.pointerId);
    event.preventDefault();
    view.focus({ preventScroll: true });
    begin();
    last = place(event);
    stroke(last, last);
  });
  view.addEventListener('pointermove', (event) => {
    if (!last) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) {
      const next = place(one);
      stroke(last, next);
      last = next;
    }
  });
  for (const name of ['pointerup', 'pointercancel']) {
    view.addEventListener(name, () => last && ((last = null), end()));
  }
}

/** Arrows move a ring, the space bar puts the brush down and lifts it. */
function takeKeys(view, ring, brush, { begin, stroke, end }) {
  const at = { x: SIDE / 2, y: SIDE / 2 };
  let isDown = false;
  const show = () => {
    ring.hidden = document.activeElement !== view || !view.matches(':focus-visible');
    ring.classList.toggle('down', isDown);
    for (const [name, value] of [
      ['left', at.x],
      ['top', at.y],
      ['width', brush.size],
      ['height', brush.size],
    ]) {
      ring.style.setProperty(name, `${(100 * value) / SIDE}%`);
    }
  };
  const lift = () => isDown && ((isDown = false), end());
  view.addEventListener('focus', show);
  view.addEventListener('blur', () => (lift(), show()));
  view.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step && event.key !== ' ') return;
    event.preventDefault();
    if (event.key === ' ') {
      if (isDown) lift();
      else {
        isDown = true;
        begin();
        stroke(at, at);
      }
    } else if (step) {
      const before = { ...at };
      const reach = event.shiftKey ? 64 : 16;
      at.x = Math.min(Math.max(at.x + reach * step[0], 0), SIDE);
      at.y = Math.min(Math.max(at.y + reach * step[1], 0), SIDE);
      if (isDown) stroke(before, at);
    }
    show();
  });
}

/**
 * Return the mask of a veil: what is veiled is transparent, the rest black.
 *
 * @param {HTMLCanvasElement} veil The layer.
 * @param {number} side Of the picture in pixels.
 * @returns {string} A PNG as a `data:` address.
 */
export function maskOf(veil, side) {
  const canvas = blank(side);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillRect(0, 0, side, side);
  context.globalCompositeOperation = 'destination-out';
  context.drawImage(veil, 0, 0, side, side);
  return canvas.toDataURL('image/png');
}

/**
 * Return a picture of a size, with paint on it.
 *
 * @param {string | null} data The picture; null for a blank sheet.
 * @param {HTMLCanvasElement | null} paint The layer; null for none.
 * @param {number} side In pixels.
 * @returns {Promise<string>} A PNG as a `data:` address.
 */
export async function paintedOver(data, paint, side) {
  const canvas = blank(side);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.imageSmoothingQuality = 'high';
  if (data) context.drawImage(await imageFrom(data), 0, 0, side, side);
  if (paint) context.drawImage(paint, 0, 0, side, side);
  return canvas.toDataURL('image/png');
}
