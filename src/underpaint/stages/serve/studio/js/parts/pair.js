/** Two pictures side by side under one glass, with what tells them apart, and a vote. */

import { button, h, replace } from '../elements.js';
import { largeOf } from '../pictures.js';
import { t } from '../words.js';
import { emptyTile, showProgress } from './tile.js';
import { costOf, factsOf } from './viewer.js';
import { zoomTogether } from './zoom.js';

const SIDES = /** @type {const} */ (['left', 'right']);

/**
 * @typedef {object} Pair
 * @property {HTMLElement} element
 * @property {(at: 0 | 1, picture: import('../pictures.js').Picture) => void} fill Puts a picture on a side.
 * @property {(at: 0 | 1, active: boolean) => void} progress Shows whether a side is being drawn just now.
 * @property {(at: 0 | 1) => void} drop Shows that no picture comes to a side.
 */

/**
 * Make a pair whose pictures are not there yet.
 *
 * @param {import('../main.js').App} app The app.
 * @param {{vote?: (choice: 'left' | 'right' | 'none') => void}} [use] Told which is the better one.
 * @returns {Pair} The pair.
 */
export function emptyPair(app, { vote } = {}) {
  /** @type {Array<import('../pictures.js').Picture | null>} */
  const pictures = [null, null];
  const tiles = SIDES.map(() => emptyTile());
  const captions = SIDES.map(() => h('dl', { class: 'facts' }));
  const tools = h('div', { class: 'pair-tools' });
  const element = h(
    'article',
    { class: 'card pair' },
    SIDES.map((side, i) =>
      h('figure', {}, tiles[i], h('figcaption', {}, h('h2', {}, t(`compare.${side}`)), captions[i])),
    ),
    tools,
  );

  function fill(at, picture) {
    const isNew = pictures[at]?.pixel_sha256 !== picture.pixel_sha256;
    pictures[at] = picture;
    if (isNew) lay(tiles[at], picture);
    const [left, right] = pictures;
    if (!left || !right) return;
    tellApart(left, right);
    if (isNew) showTools(left.pixel_sha256 === right.pixel_sha256);
  }

  function tellApart(left, right) {
    const facts = [left, right].map((picture) => new Map([...factsOf(app, picture)]));
    const telling = [...facts[0].keys(), ...facts[1].keys()]
      .filter((name, i, all) => all.indexOf(name) === i)
      .filter(
        (name) => facts[0].get(name) !== facts[1].get(name) && ![t('facts.made'), t('facts.cost')].includes(name),
      );
    [left, right].forEach((picture, i) => {
      const cost = costOf(picture.cost);
      const rows = [
        ...telling.map((name) => [name, facts[i].get(name) ?? t('compare.unset')]),
        ...(cost ? [[t('facts.cost'), cost]] : []),
      ];
      replace(
        captions[i],
        rows.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
      );
    });
  }

  function showTools(same) {
    const zoom = zoomTogether(tiles.map((tile) => /** @type {HTMLElement} */ (tile.querySelector('canvas'))));
    replace(tools, zoom, same ? h('p', { class: 'soft' }, t('compare.same')) : vote ? votes(vote) : null);
  }

  return {
    element,
    fill,
    progress: (at, active) => pictures[at] || showProgress(tiles[at], { active }),
    drop: (at) => pictures[at] || replace(tiles[at], h('p', { class: 'none' }, t('compare.missing'))),
  };
}

function lay(tile, picture) {
  tile.className = 'tile';
  tile.dataset.picture = picture.pixel_sha256;
  replace(tile, h('div', { class: 'paper' }, largeOf(picture)), h('p', { class: 'lost' }, t('picture.gone')));
}

function votes(vote) {
  const element = h('div', { class: 'row', role: 'group', 'aria-label': t('compare.vote') });
  const buttons = /** @type {const} */ (['left', 'none', 'right']).map((choice) => {
    const made = button(
      t(`compare.${choice}_better`),
      () => {
        buttons.forEach((one) => one.setAttribute('aria-pressed', String(one === made)));
        vote(choice);
      },
      { 'aria-pressed': 'false' },
    );
    return made;
  });
  replace(element, buttons);
  return element;
}
