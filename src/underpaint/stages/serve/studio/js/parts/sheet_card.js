/** A sheet: its moods as they are drawn, all of them to take along. */

import { archive } from '../collection.js';
import { button, h, replace } from '../elements.js';
import { say, sentence } from '../notices.js';
import { call } from '../server.js';
import { pictureOf, picturesOfSheet } from '../sheets.js';
import { moment, moodName, styleName, t } from '../words.js';
import { openPack } from './pack.js';
import { openPrint } from './print.js';
import { emptyTile, fillTile, showProgress } from './tile.js';
import { openViewer } from './viewer.js';

/**
 * @typedef {object} SheetUse
 * @property {(work: () => Promise<any>) => void} doing Does something and shows what came of it.
 * @property {(sheet: import('../sheets.js').Sheet) => void} again Asked for the same moods with another number.
 */

/**
 * Make the card of a sheet.
 *
 * @param {import('../main.js').App} app The app.
 * @param {string} id The sheet.
 * @param {SheetUse} use What is told.
 * @returns {import('./keyed_list.js').Row<import('../sheets.js').Sheet>} The card.
 */
export function sheetCard(app, id, use) {
  const title = h('h3', { class: 'words' });
  const about = h('p', { class: 'soft' });
  const state = h('p', { class: 'state', role: 'status' });
  const tiles = h('ul', { class: 'mood-tiles' });
  const tools = h('div', { class: 'row tools' });
  const element = h(
    'li',
    { class: 'card sheet', dataset: { sheet: id } },
    h('div', { class: 'strip-head' }, h('div', {}, title, about)),
    tiles,
    state,
    tools,
  );
  let shown = '';
  let before = '';

  function set(sheet) {
    element.dataset.status = sheet.status;
    title.textContent = sheet.subject;
    about.textContent = [styleName(sheet.style), moment(sheet.created_at)].filter(Boolean).join(' · ');
    showTiles(sheet);
    const words = stateOf(sheet);
    state.textContent = words;
    state.hidden = !words;
    if (before && before !== sheet.status && sheet.status === 'completed') {
      say(t('moods.ready', { n: sheet.counts.completed, subject: sheet.subject }));
    }
    before = sheet.status;
    showTools(sheet);
  }

  function showTiles(sheet) {
    if (tiles.children.length !== sheet.pictures.length) replace(tiles, sheet.pictures.map(cellOf));
    sheet.pictures.forEach((one, i) => {
      const cell = /** @type {HTMLElement} */ (tiles.children[i]);
      const tile = /** @type {HTMLElement} */ (cell.firstElementChild);
      if (one.image && tile.dataset.picture !== one.image.pixel_sha256) {
        const open = () =>
          openViewer(
            app,
            picturesOfSheet(sheet),
            picturesOfSheet(sheet).findIndex((it) => it.job === one.job),
          );
        fillTile(tile, pictureOf(sheet, one), open);
      }
      if (!one.image) showProgress(tile, { active: one.state === 'running' });
      cell.classList.toggle('missed', !one.image && isOver(sheet));
    });
  }

  function showTools(sheet) {
    const key = `${sheet.status} ${sheet.counts.completed}`;
    if (key === shown) return;
    shown = key;
    const held = tools.contains(document.activeElement);
    replace(tools, isOver(sheet) ? finished(sheet) : cancel(sheet));
    if (held) /** @type {HTMLElement | null} */ (tools.querySelector('button'))?.focus();
  }

  function cancel({ status }) {
    if (status === 'cancelling') return null;
    return button(t('strip.cancel'), () => use.doing(() => call('POST', `/api/v1/sheets/${id}/cancel`)), {
      icon: 'close',
    });
  }

  function finished(sheet) {
    const digests = [...new Set(picturesOfSheet(sheet).map((one) => one.pixel_sha256))];
    const again = button(t('moods.again'), () => use.again(sheet), { icon: 'again' });
    if (!digests.length) return again;
    const take = (work) => () => use.doing(work);
    return [
      button(
        t('gallery.zip'),
        take(() => archive(digests, 'zip')),
        { icon: 'zip' },
      ),
      button(
        t('gallery.sheet'),
        take(() => archive(digests, 'sheet')),
        { icon: 'sheet' },
      ),
      button(t('print.title'), () => openPrint(digests, sheet.subject), { icon: 'print' }),
      button(
        t('gallery.pack'),
        take(() => openPack(app, digests)),
        { icon: 'pack' },
      ),
      again,
    ];
  }

  return { element, set };
}

function cellOf({ mood }) {
  return h('li', {}, emptyTile(), h('p', { class: 'soft' }, mood ? moodName(mood) : t('moods.first')));
}

/**
 * Say whether nothing of a sheet will be drawn any more.
 *
 * @param {import('../sheets.js').Sheet} sheet The sheet.
 * @returns {boolean} Whether it is over.
 */
export function isOver(sheet) {
  return sheet.finished_at !== null;
}

function stateOf(sheet) {
  const { total, completed, failed } = sheet.counts;
  if (sheet.error) return sentence(sheet.error);
  if (sheet.status === 'cancelled') return t('strip.cancelled');
  if (sheet.status === 'cancelling') return t('lists.is_cancelling');
  if (!isOver(sheet)) return t('moods.drawing', { n: completed, of: total });
  return failed ? t('moods.missed', { n: failed }) : '';
}
