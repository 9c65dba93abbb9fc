/** The start of the page, and the way from an address to a view. */

import { button, h, icon, replace } from './elements.js';
import { form, formOf } from './form.js';
import { takeDrops } from './dropping.js';
import { languageSwitch } from './language.js';
import { answeredAgain, fail, openDialog, over, placeNotices, say } from './notices.js';
import { call, key, line, pause, reachable } from './server.js';
import { styled } from './styles.js';
import { themeButton } from './theme.js';
import { VIEWS } from './views.js';
import { speak, t } from './words.js';

/**
 * @typedef {object} App What every view is given.
 * @property {any} capabilities What the server can do, as `GET /api/v1/capabilities` answers.
 * @property {(name: string, query?: Object<string, any>) => void} go Shows another view.
 * @property {(settings: Object<string, any>, changes?: Object<string, any>) => void} use Fills the form from the settings or the
 *     request of a picture, with some fields otherwise, and shows it.
 */

/** @type {App} */
const app = {
  capabilities: null,
  go(name, query = {}) {
    const text = new URLSearchParams(query).toString();
    location.hash = `#/${name}${text ? `?${text}` : ''}`;
  },
  use(settings, changes = {}) {
    form.set({ ...formOf(settings, app.capabilities), ...changes });
    if (place().row.name !== 'create') return app.go('create');
    scrollTo(0, 0);
    document.getElementById('prompt')?.focus();
  },
};

const RETRY_MS = 2000;
/** Where fingers type, a keyboard on the screen would cover the page as soon as a box has the focus. */
const hasKeyboard = matchMedia('(hover: hover) and (pointer: fine)');
const main = h('main', { id: 'view', tabindex: '-1' });
const banner = h('div', { class: 'banner', role: 'status', hidden: true });
const links = new Map();
/** @type {{row: import('./views.js').Row, view: import('./views.js').View} | null} */
let shown = null;
let turn = 0;

/** Return the row and the query of the address. */
function place() {
  const [, name = '', query = ''] = location.hash.match(/^#\/([\w-]*)(?:\?(.*))?$/) ?? [];
  return { row: VIEWS.find((one) => one.name === name) ?? VIEWS[0], query: new URLSearchParams(query) };
}

/** Show what the address says. */
async function show({ first = false } = {}) {
  const mine = (turn += 1);
  const { row, query } = place();
  if (shown?.row === row && shown.view.change) return shown.view.change(query);
  try {
    const [module] = await Promise.all([row.load(), row.styled ? styled(row.name) : null]);
    if (mine === turn) over();
    const view = await module.open(app, query);
    if (mine !== turn) return view.close?.();
    shown?.view.close?.();
    shown = { row, view };
    replace(main, view.element);
    mark(row);
    if (!first) {
      scrollTo(0, 0);
      main.focus({ preventScroll: true });
      say(t(`${row.name}.title`));
    }
    if (hasKeyboard.matches) view.focus?.();
  } catch (error) {
    await explain(error);
  }
}

function mark(row) {
  document.title = t('title', { view: t(`${row.name}.title`) });
  for (const [name, link] of links) {
    if (name === row.name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

/** Say why a view cannot be shown: most often the server has a newer page than this one. */
async function explain(error) {
  if (!(error instanceof TypeError)) return fail(error);
  await reachable();
  const again = button(t('reload'), () => location.reload(), { kind: 'main' });
  if (!main.firstChild) replace(main, h('section', { class: 'card' }, h('p', {}, t('main.old_page')), again));
  else openDialog(t('main.old_title'), h('div', {}, h('p', {}, t('main.old_page')), again));
  console.warn(error);
}

function navigation() {
  const items = VIEWS.map(({ name, icon: drawing }) => {
    const link = h('a', { href: `#/${name}` }, icon(drawing), h('span', {}, t(`${name}.nav`)));
    links.set(name, link);
    return h('li', {}, link);
  });
  return h('nav', { 'aria-label': t('main.views') }, h('ul', {}, items));
}

function header() {
  return h(
    'header',
    { class: 'top' },
    h(
      'a',
      { class: 'name', href: '#/create' },
      h('span', { class: 'dab', 'aria-hidden': 'true' }),
      h('span', {}, t('name')),
    ),
    navigation(),
    languageSwitch(),
    themeButton(),
  );
}

function watchLine() {
  line.addEventListener('online', (event) => {
    const online = /** @type {CustomEvent} */ (event).detail;
    banner.hidden = online;
    replace(banner, icon('warning'), t('server.unreachable_safe'));
    if (!online) return void reachable();
    answeredAgain();
    say(t('server.back'));
  });
  line.addEventListener('locked', () => askKey());
}

let asking = false;

/** Ask for the key of the server, then begin anew: what was typed is kept. */
function askKey() {
  if (asking) return;
  asking = true;
  const input = h('input', { type: 'password', autocomplete: 'current-password', id: 'key', required: true });
  const sent = (event) => (event.preventDefault(), key.set(input.value.trim()), location.reload());
  const fields = h(
    'form',
    { class: 'question', onsubmit: sent },
    h('p', {}, t('key.about')),
    h('label', { for: 'key' }, t('key.label')),
    input,
    h('div', { class: 'row end' }, h('button', { class: 'button main' }, t('key.enter'))),
  );
  openDialog(t('key.title'), fields, { onclose: () => (asking = false) });
  input.focus();
}

async function start() {
  await speak(navigator.languages);
  document.body.append(
    h(
      'a',
      { class: 'skip', href: '#view', onclick: (event) => (event.preventDefault(), main.focus()) },
      t('main.skip'),
    ),
    header(),
    banner,
    main,
  );
  placeNotices();
  watchLine();
  fetchAhead(place().row);
  app.capabilities = await loadCapabilities();
  takeDrops(app);
  addEventListener('hashchange', () => show());
  await show({ first: true });
  performance.mark('usable');
  document.documentElement.dataset.ready = 'true';
}

/** Let the files of a view come while the server is asked; what is missing is told when the view is shown. */
function fetchAhead(row) {
  row.load().catch(() => {});
  if (row.styled) styled(row.name).catch(() => {});
}

/** Ask what the server can do, until it says so. */
async function loadCapabilities() {
  for (;;) {
    try {
      return await call('GET', '/api/v1/capabilities');
    } catch (error) {
      const isInTrouble = error.status === 429 || error.status >= 500;
      if (error.status && !isInTrouble) {
        if (error.status !== 401 || key.value) fail(error);
        return new Promise(() => {});
      }
      await (isInTrouble ? pause(error.retryMs || RETRY_MS) : reachable());
    }
  }
}

start();
