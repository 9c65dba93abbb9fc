/** A list that was handed in: how far it is, its first pictures, all of them as one file. */

import { button, h, replace } from '../elements.js';
import { picturesOf, save } from '../pictures.js';
import { request } from '../server.js';
import { moment, span, t } from '../words.js';
import { tileOf } from './tile.js';
import { openViewer } from './viewer.js';

const SHOWN = 12;
const OVER = new Set(['completed', 'failed', 'cancelled', 'expired']);

/**
 * Say whether nothing of a list will be drawn any more.
 *
 * @param {{status: string}} list As `GET /api/v1/batch-list` answers.
 * @returns {boolean} Whether it is over.
 */
export function isOver(list) {
  return OVER.has(list.status);
}

/**
 * Make the card of a list.
 *
 * @param {import('../main.js').App} app The app.
 * @param {string} id The list.
 * @param {(work: () => Promise<any>, words?: string) => void} doing Does something and shows what came of it.
 * @returns {import('./keyed_list.js').Row<{list: any, rows: any[]}>} The card.
 */
export function listCard(app, id, doing) {
  const title = h('h3', { class: 'words' });
  const about = h('p', { class: 'soft' });
  const bar = h('progress', { 'aria-label': t('queue.progress') });
  const tiles = h('div', { class: 'list-tiles' });
  const tools = h('div', { class: 'row tools' });
  const element = h(
    'li',
    { class: 'card list-card', dataset: { list: id } },
    h('div', { class: 'strip-head' }, h('div', {}, title, about), tools),
    bar,
    tiles,
  );
  let shown = '';

  function set({ list, rows }) {
    const { total, completed, failed } = list.counts;
    element.dataset.status = list.status;
    title.textContent = list.name || rows[0]?.job?.request.prompt || t('lists.unnamed');
    about.textContent = [
      moment(list.created_at),
      list.in_line < total && !isOver(list)
        ? t('lists.lining_up', { n: list.in_line, of: total })
        : t('lists.done', { done: completed, of: total }),
      failed && !isGivenUp(list) ? t('lists.failed', { n: failed }) : '',
      stateOf(list),
    ]
      .filter(Boolean)
      .join(' · ');
    bar.hidden = isOver(list);
    bar.max = total;
    bar.value = completed + failed;
    showTiles(rows);
    showTools(list);
  }

  function showTiles(rows) {
    const pictures = rows.flatMap(({ job }) => (job ? picturesOf(job) : [])).slice(0, SHOWN);
    pictures.forEach((picture, i) => {
      const there = /** @type {HTMLElement | undefined} */ (tiles.children[i]);
      if (there?.dataset.picture === picture.pixel_sha256) return;
      const tile = tileOf(picture, () => openViewer(app, pictures, i));
      if (there) there.replaceWith(tile);
      else tiles.append(tile);
    });
  }

  function showTools(list) {
    const key = `${list.status} ${list.counts.completed > 0}`;
    if (key === shown) return;
    shown = key;
    const held = tools.contains(document.activeElement);
    const get = (as) => () => doing(() => archive(list, as));
    replace(
      tools,
      list.counts.completed
        ? [
            button(t('gallery.zip'), get('zip'), { icon: 'zip' }),
            button(t('gallery.sheet'), get('sheet'), { icon: 'sheet' }),
          ]
        : null,
      isOver(list) || isGivenUp(list)
        ? null
        : button(
            t('strip.cancel'),
            () => doing(() => request('POST', `/api/v1/batch-list/${id}/cancel`), t('strip.cancelled')),
            { icon: 'close' },
          ),
    );
    if (held) /** @type {HTMLElement | null} */ (tools.querySelector('button'))?.focus();
  }

  return { element, set };
}

/** Say whether somebody canceled a list: its other lines have not failed, they were not drawn. */
function isGivenUp(list) {
  return list.status === 'cancelling' || list.status === 'cancelled';
}

function stateOf(list) {
  if (list.status === 'cancelling') return t('lists.is_cancelling');
  if (!isOver(list)) return list.eta_ms ? t('strip.eta', { span: span(list.eta_ms) }) : '';
  return list.status === 'completed' ? '' : t(`lists.is_${list.status}`);
}

async function archive(list, as) {
  const answer = await request('POST', `/api/v1/batch-list/${list.id}/archive`, { body: { as } });
  const words =
    list.name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'list';
  save(await answer.blob(), as === 'zip' ? `underpaint-${words}.zip` : `underpaint-${words}-sheet.png`);
}
