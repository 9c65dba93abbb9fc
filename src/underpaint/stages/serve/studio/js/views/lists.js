/** Many at once: a pasted list or a table, looked through while it is typed, drawn behind what somebody waits for. */

import { onChange } from '../changes.js';
import { h } from '../elements.js';
import { freshKey } from '../jobs.js';
import { fail, over, say, tried } from '../notices.js';
import { paced } from '../pacing.js';
import { keyedList } from '../parts/keyed_list.js';
import { listCard, isOver } from '../parts/list_card.js';
import { listForm } from '../parts/list_form.js';
import { call, overLosses } from '../server.js';
import { kept } from '../state.js';
import { t } from '../words.js';

const SHOWN = 20;
const PACE_MS = 400;
const SETTLED_MS = 2000;
const ROWS = 24;
const NOTHING = { body: '', key: '' };

/** The list that was sent and not yet answered. */
const pending = kept('list.pending', NOTHING);

/**
 * Open the view.
 *
 * @param {import('../main.js').App} app The app.
 * @returns {import('../views.js').View} The view.
 */
export function open(app) {
  const form = listForm(app, handIn);
  const cards = keyedList((id) => listCard(app, id, doing), { class: 'lists' });
  const title = h('h2', { hidden: true }, t('lists.yours'));
  const element = h('div', { class: 'lists-view' }, h('h1', {}, t('lists.title')), form.element, title, cards.element);
  let timer = 0;
  const closing = new AbortController();
  const { signal } = closing;
  let anyRuns = false;
  /** @type {Map<string, {seen: string, rows: any[]}>} The first rows of lists, and how far their lists were then. */
  const known = new Map();

  async function handIn(body) {
    // The same list that is sent twice, since its answer was lost, is the same list to the server.
    const key = pending.value.body === JSON.stringify(body) ? pending.value.key : freshKey();
    pending.set({ body: JSON.stringify(body), key });
    const list = await overLosses(() =>
      call('POST', '/api/v1/batch-list', { body, headers: { 'idempotency-key': key } }),
    );
    if (pending.value.key === key) pending.set(NOTHING);
    form.clear(body.text);
    say(t('lists.handed_in', { n: list.pictures }));
    await load();
    cards.element.firstElementChild?.scrollIntoView({ block: 'nearest' });
  }

  async function load() {
    try {
      const { data, rows } = await overLosses(found, signal);
      if (signal.aborted) return;
      over('lists.load');
      title.hidden = data.length === 0;
      anyRuns = data.some((list) => !isOver(list));
      cards.show(data.map((list, i) => ({ id: list.id, value: { list, rows: rows[i] } })));
      // Jobs are told as they end; what a list makes of them follows, and is not.
      clearTimeout(timer);
      if (anyRuns) timer = window.setTimeout(soon.ask, SETTLED_MS);
    } catch (error) {
      if (!signal.aborted) fail(error, 'lists.load');
    }
  }

  /** Return the latest lists and the first rows of each. */
  async function found() {
    const { data } = await call('GET', '/api/v1/batch-list', { query: { limit: SHOWN }, signal });
    return { data, rows: await Promise.all(data.map(rowsOf)) };
  }

  /** Do something with a list and show what came of it. */
  async function doing(work, words) {
    if ((await tried('lists.doing', work)) && words) say(words);
    load();
  }

  /** Return the first rows of a list, asked for again when more of it is finished. */
  async function rowsOf(list) {
    const seen = JSON.stringify([list.status, list.counts]);
    const before = known.get(list.id);
    if (before?.seen === seen) return before.rows;
    const { data } = await call('GET', `/api/v1/batch-list/${list.id}/rows`, { query: { limit: ROWS }, signal });
    known.set(list.id, { seen, rows: data });
    return data;
  }

  const soon = paced(load, PACE_MS);
  const stop = onChange(
    ({ name }) =>
      (name === 'reset' ||
        name === 'open' ||
        name === 'list.changed' ||
        (anyRuns && /^job\.(succeeded|failed|cancelled|expired)/.test(name))) &&
      soon.ask(),
  );
  load();
  return { element, close: () => (closing.abort(), clearTimeout(timer), stop(), soon.close(), form.close()) };
}
