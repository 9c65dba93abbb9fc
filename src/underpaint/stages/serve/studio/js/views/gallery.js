/** All pictures that were drawn, found again, told apart, taken along. */

import { onChange } from '../changes.js';
import { act, archive, page, pages, remove } from '../collection.js';
import { button, h, replace } from '../elements.js';
import { ask, fail, over, say } from '../notices.js';
import { paced } from '../pacing.js';
import { galleryTools } from '../parts/gallery_tools.js';
import { openPack } from '../parts/pack.js';
import { openPrint } from '../parts/print.js';
import { pictureGrid } from '../parts/picture_grid.js';
import { openViewer } from '../parts/viewer.js';
import { call, overLosses } from '../server.js';
import { locale, t } from '../words.js';

const PAGE = 60;
const PACE_MS = 300;

/**
 * Open the view.
 *
 * @param {import('../main.js').App} app The app.
 * @param {URLSearchParams} query What is looked for: `search`, `show` (all, favorites, bin), `style`.
 * @returns {import('../views.js').View} The view.
 */
export function open(app, query) {
  const wanted = {
    search: query.get('search') ?? '',
    show: query.get('show') ?? 'all',
    style: query.get('style') ?? '',
  };
  const list = listOf(app, wanted);
  const tools = galleryTools(app, wanted, list.refresh);
  const element = h('div', { class: 'gallery' }, tools.element, list.element);
  const remember = () => {
    const text = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value && value !== 'all')).toString();
    history.replaceState(null, '', `#/gallery${text ? `?${text}` : ''}`);
  };
  tools.onchange = () => (remember(), list.load());
  list.load();
  const soon = paced(list.refresh, PACE_MS);
  const stop = onChange(({ name }) => (name.startsWith('gallery.') || name === 'reset') && soon.ask());
  return { element, close: () => (stop(), soon.close(), list.close()) };
}

/** Make the grid with what belongs to it: how many there are, more of them, what is done with those that are chosen. */
function listOf(app, wanted) {
  /** @type {import('../pictures.js').Picture[]} */
  let pictures = [];
  let next = /** @type {string | null} */ (null);
  let asking = new AbortController();
  const count = h('p', { class: 'soft', role: 'status' });
  const none = h('div', { class: 'card none', hidden: true });
  const room = h('p', { class: 'soft room' });
  const more = button(t('gallery.more'), () => load({ before: next }), { hidden: true });
  const bar = h('div', { class: 'bar', role: 'region', 'aria-label': t('gallery.chosen_label'), hidden: true });
  const isBin = () => wanted.show === 'bin';

  const grid = pictureGrid(t('gallery.title'), {
    onopen: (at) => openViewer(app, pictures, at, { onclose: () => refresh() }),
    onchoice: () => showBar(),
    ondelete: (digest) => (isBin() ? null : remove([digest]).catch(fail)),
  });

  /** Show what there is, as much as was shown already; or with `before` what comes after that too. */
  async function load({ before = /** @type {string | null} */ (null), least = PAGE } = {}) {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const asked = {
      search: wanted.search,
      favorite: wanted.show === 'favorites',
      style: wanted.style,
      deleted: isBin(),
    };
    try {
      const wish = () => (before ? page(asked, { before, limit: PAGE, signal }) : pages(asked, { least, signal }));
      const found = await overLosses(wish, signal);
      if (signal.aborted) return;
      over('gallery.load');
      pictures = before ? [...pictures, ...found.data] : found.data;
      next = found.next;
      show(found);
    } catch (error) {
      if (!signal.aborted) fail(error, 'gallery.load');
    }
  }

  const refresh = () => load({ least: Math.max(PAGE, pictures.length) });

  function show({ total, used_bytes: used, max_bytes: most }) {
    grid.show(pictures);
    count.textContent = total ? t(isBin() ? 'gallery.in_bin' : 'gallery.count', { n: total }) : '';
    more.hidden = next === null;
    none.hidden = total > 0;
    if (total === 0) replace(none, emptiness(app, wanted));
    room.textContent = most ? t('gallery.room', { used: mb(used), most: mb(most) }) : '';
    room.classList.toggle('mistake', most > 0 && used > 0.9 * most);
  }

  function showBar() {
    const chosen = grid.chosen();
    bar.hidden = chosen.length === 0 && !(isBin() && pictures.length > 0);
    if (bar.hidden) return;
    const held = bar.contains(document.activeElement);
    replace(
      bar,
      h('p', { role: 'status' }, t('gallery.chosen', { n: chosen.length })),
      isBin() ? binTools(chosen) : usualTools(chosen),
    );
    if (held) bar.querySelector('button')?.focus();
  }

  const doing = (work) => async () => {
    over('gallery.chosen');
    try {
      await work();
    } catch (error) {
      fail(error, 'gallery.chosen');
    }
  };

  function usualTools(chosen) {
    return [
      button(t('gallery.all_of_them'), () => grid.choose(true), { kind: 'quiet' }),
      button(t('gallery.none_of_them'), () => grid.choose(false), { kind: 'quiet' }),
      button(
        t('remarks.favorite'),
        doing(() => act('favorite', chosen)),
        { icon: 'heart' },
      ),
      button(
        t('gallery.zip'),
        doing(() => archive(chosen, 'zip')),
        { icon: 'zip' },
      ),
      button(
        t('gallery.sheet'),
        doing(() => archive(chosen, 'sheet')),
        { icon: 'sheet' },
      ),
      button(t('print.title'), () => openPrint(chosen), { icon: 'print' }),
      app.capabilities.places?.length
        ? button(
            t('gallery.pack'),
            doing(() => openPack(app, chosen)),
            { icon: 'pack' },
          )
        : null,
      button(
        t('action.delete'),
        doing(() => (grid.choose(false), remove(chosen))),
        { icon: 'trash' },
      ),
    ];
  }

  function binTools(chosen) {
    const restore = async () => {
      const changed = await act('restore', chosen);
      say(t('gallery.restored', { n: changed.length }));
    };
    const empty = async () => {
      const sure = await ask(t('gallery.empty_bin_sure'), {
        about: t('gallery.empty_bin_about'),
        yes: t('gallery.empty_bin'),
        danger: true,
      });
      if (sure) await call('DELETE', '/api/v1/gallery/bin');
    };
    return [
      chosen.length ? button(t('gallery.restore'), doing(restore), { icon: 'undo', kind: 'main' }) : null,
      button(t('gallery.all_of_them'), () => grid.choose(true), { kind: 'quiet' }),
      button(t('gallery.empty_bin'), doing(empty), { icon: 'trash' }),
    ];
  }

  const element = h(
    'div',
    { class: 'gallery-list' },
    count,
    none,
    grid.element,
    h('div', { class: 'row center' }, more),
    room,
    bar,
  );
  return { element, load, refresh, close: () => asking.abort() };
}

function emptiness(app, wanted) {
  if (wanted.show === 'bin') return h('p', {}, t('gallery.bin_empty'));
  if (wanted.search || wanted.style) return h('p', {}, t('gallery.nothing_found'));
  if (wanted.show === 'favorites') return h('p', {}, t('gallery.no_favorites'));
  return [
    h('p', {}, t('gallery.empty')),
    button(t('gallery.begin'), () => app.go('create'), { icon: 'brush', kind: 'main' }),
  ];
}

function mb(bytes) {
  return (bytes / 1e6).toLocaleString(locale(), { maximumFractionDigits: bytes < 1e7 ? 1 : 0 });
}
