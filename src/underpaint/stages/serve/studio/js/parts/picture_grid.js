/** Many pictures in a grid: arrows walk through it, each can be chosen, and the same picture keeps its place in the page. */

import { h } from '../elements.js';
import { altOf } from '../pictures.js';
import { t } from '../words.js';
import { favoriteButton } from './remarks.js';
import { tileOf } from './tile.js';

/**
 * @typedef {object} Grid
 * @property {HTMLElement} element
 * @property {(pictures: import('../pictures.js').Picture[]) => void} show Shows these, in their order.
 * @property {() => string[]} chosen SHA-256 of the pixels of those that are chosen, in their order.
 * @property {(all: boolean) => void} choose Chooses all or none.
 *
 * @typedef {object} GridUse
 * @property {(at: number) => void} onopen Told to show one large.
 * @property {() => void} onchoice Told that others are chosen.
 * @property {(digest: string) => void} ondelete Told to delete one.
 */

/**
 * Make a grid.
 *
 * @param {string} label What the pictures are.
 * @param {GridUse} use What is told.
 * @returns {Grid} The grid, empty.
 */
export function pictureGrid(label, use) {
  const element = h('ul', { class: 'picture-grid', 'aria-label': label });
  /** @type {Map<string, ReturnType<typeof cellOf>>} */
  const cells = new Map();
  /** @type {import('../pictures.js').Picture[]} */
  let shown = [];

  const show = (pictures) => {
    const held = shown.findIndex((one) => cells.get(one.pixel_sha256)?.element.contains(document.activeElement));
    const wanted = new Set(pictures.map((one) => one.pixel_sha256));
    for (const [digest, cell] of cells) if (!wanted.has(digest)) (cell.element.remove(), cells.delete(digest));
    shown = pictures;
    pictures.forEach((picture, i) => place(picture, i));
    if (held >= 0 && !element.contains(document.activeElement)) focus(Math.min(held, shown.length - 1));
    if (!element.querySelector('.paper[tabindex="0"]')) mark(0);
    use.onchoice();
  };

  const place = (picture, i) => {
    const digest = picture.pixel_sha256;
    let cell = cells.get(digest);
    if (!cell || cell.favorite !== picture.favorite) {
      const fresh = cellOf(
        picture,
        () => use.onopen(shown.findIndex((one) => one.pixel_sha256 === digest)),
        use.onchoice,
      );
      fresh.box.checked = cell?.box.checked ?? false;
      cell?.element.remove();
      cells.set(digest, (cell = fresh));
    }
    if (element.children[i] !== cell.element) element.insertBefore(cell.element, element.children[i] ?? null);
  };

  const cellAt = (i) => cells.get(shown[i]?.pixel_sha256);
  const mark = (at) => shown.forEach((_, i) => cellAt(i)?.reach(i === at));
  const focus = (at) => (mark(at), cellAt(at)?.opener.focus());

  element.addEventListener('focusin', (event) =>
    mark(shown.findIndex((_, i) => cellAt(i)?.element.contains(/** @type {Node} */ (event.target)))),
  );
  element.addEventListener('keydown', (event) => {
    const at = shown.findIndex((_, i) => cellAt(i)?.element.contains(/** @type {Node} */ (event.target)));
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const next = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at - columns(element),
      ArrowDown: at + columns(element),
      Home: 0,
      End: shown.length - 1,
    }[event.key];
    if (next !== undefined && shown[next]) (event.preventDefault(), focus(next));
    else if (event.key === 'Delete') (event.preventDefault(), use.ondelete(shown[at].pixel_sha256));
    else if (event.key === 'f') cellAt(at)?.heart.click();
    else if (event.key === 'x') cellAt(at)?.box.click();
  });

  const chosen = () => shown.map((one) => one.pixel_sha256).filter((digest) => cells.get(digest)?.box.checked);
  const choose = (all) => (cells.forEach((cell) => (cell.box.checked = all)), use.onchoice());
  return { element, show, chosen, choose };
}

function cellOf(picture, onopen, onchoice) {
  const box = h('input', {
    type: 'checkbox',
    'aria-label': t('grid.choose', { alt: altOf(picture) }),
    onchange: onchoice,
  });
  const heart = favoriteButton(picture, { bare: true, class: 'button bare heart' });
  const tile = tileOf(picture, onopen);
  const opener = /** @type {HTMLElement} */ (tile.querySelector('.paper'));
  tile.append(h('label', { class: 'chooser' }, box), heart);
  const element = h('li', {}, tile, h('p', { class: 'caption' }, picture.settings.prompt || t('strip.no_words')));
  const reach = (now) => [opener, box, heart].forEach((one) => (one.tabIndex = now ? 0 : -1));
  reach(false);
  return { element, box, heart, opener, favorite: picture.favorite, reach };
}

/** Return how many pictures stand side by side. */
function columns(element) {
  return getComputedStyle(element).gridTemplateColumns.split(' ').length;
}
