/** What waits and what is drawn just now: its order, its pace, and the time that is left. */

import { onChange } from '../changes.js';
import { button, h, icon, replace } from '../elements.js';
import { changeJob } from '../jobs.js';
import { fail, note, over, say, tried } from '../notices.js';
import { keyedList } from '../parts/keyed_list.js';
import { queueRow } from '../parts/queue_row.js';
import { call, overLosses } from '../server.js';
import { span, t } from '../words.js';

const PAGE = 100;
const SETTLE_MS = 150;
const STATES = /** @type {const} */ (['running', 'queued', 'held', 'failed']);

/**
 * Open the view.
 *
 * @param {import('../main.js').App} app The app.
 * @returns {import('../views.js').View} The view.
 */
export function open(app) {
  const about = h('p', { class: 'soft', role: 'status' });
  const switches = h('div', { class: 'row' });
  const paused = h('p', { class: 'card paused', hidden: true }, icon('pause'), h('span', {}, t('queue.paused')));
  const nothing = h(
    'div',
    { class: 'card none', hidden: true },
    h('p', {}, t('queue.empty')),
    button(t('queue.begin'), () => app.go('create'), { icon: 'brush', kind: 'main' }),
  );
  const lists = Object.fromEntries(STATES.map((state) => [state, keyedList((id) => queueRow(app, id, doings))]));
  const parts = Object.fromEntries(
    STATES.map((state) => [
      state,
      h('section', { class: 'queue-part', hidden: true }, h('h2', {}, t(`queue.${state}`)), lists[state].element),
    ]),
  );
  const more = h('p', { class: 'soft' });
  const element = h(
    'div',
    { class: 'queue' },
    h('div', { class: 'row spread' }, h('div', {}, h('h1', {}, t('queue.title')), about), switches),
    paused,
    nothing,
    parts.running,
    parts.queued,
    more,
    parts.held,
    parts.failed,
  );

  /** @type {import('../jobs.js').Job[]} */
  let waiting = [];
  const doings = {
    cancel: (job) =>
      act(job, 'cancel').then(
        (done) =>
          done &&
          note(t('queue.cancelled', { prompt: nameOf(job) }), {
            icon: 'close',
            action: t('undo'),
            onaction: () => act(job, 'retry'),
          }),
      ),
    hold: (job) => act(job, 'hold'),
    unhold: (job) => act(job, 'unhold'),
    retry: (job) => act(job, 'retry'),
    front: (job) => move(job, { to: 'front' }),
    up: (job) => move(job, { before: waiting[at(job) - 1]?.id }),
    down: (job) => move(job, at(job) + 2 < waiting.length ? { before: waiting[at(job) + 2].id } : { to: 'back' }),
    before: (id, target) => id !== target && move({ id }, { before: target }),
  };
  const at = (job) => waiting.findIndex((one) => one.id === job.id);

  async function act(job, change, body) {
    const isDone = await tried('queue.doing', () => changeJob(job.id, change, body));
    load();
    return isDone;
  }

  const move = async (job, where) => {
    if (!(await act(job, 'move', where))) return;
    await load();
    const place = at(job);
    if (place >= 0) say(t('queue.moved', { n: place + 1, of: waiting.length }));
  };

  const closing = new AbortController();
  const { signal } = closing;
  const ask = () =>
    Promise.all([
      call('GET', '/api/v1/queue', { signal }),
      ...STATES.map((state) => call('GET', '/api/v1/jobs', { query: { state, limit: PAGE }, signal })),
    ]);
  const asking = settled(async () => {
    try {
      const [queue, ...found] = await overLosses(ask, signal);
      over('queue.load');
      show(queue, Object.fromEntries(STATES.map((state, i) => [state, found[i].data])));
    } catch (error) {
      if (!signal.aborted) fail(error, 'queue.load');
    }
  });
  const load = asking.now;

  function show(queue, jobs) {
    waiting = jobs.queued.sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
    for (const state of STATES) {
      // What is paused has no time left that anybody knows.
      const known = jobs[state].map((job) => (queue.paused ? { ...job, eta_ms: null } : job));
      lists[state].show(known.map((job, i) => ({ id: job.id, value: { job, at: i, of: known.length } })));
      parts[state].hidden = jobs[state].length === 0;
    }
    const depth = Object.values(queue.classes);
    const count = (name) => depth.reduce((sum, one) => sum + one[name], 0);
    const hidden = count('queued') - waiting.length;
    more.textContent = hidden > 0 ? t('queue.more', { n: hidden }) : '';
    about.textContent = told({
      waiting: count('queued'),
      running: count('running'),
      seconds: count('waiting_s'),
      isPaused: queue.paused,
    });
    paused.hidden = !queue.paused;
    nothing.hidden = STATES.some((state) => jobs[state].length > 0);
    showSwitches(queue.paused);
  }

  function showSwitches(isPaused) {
    if (app.capabilities.role !== 'operator' || switches.dataset.paused === String(isPaused)) return;
    const held = switches.contains(document.activeElement);
    switches.dataset.paused = String(isPaused);
    const turn = (path) => tried('queue.doing', () => call('POST', `/api/v1/queue/${path}`)).then(load);
    replace(
      switches,
      isPaused
        ? button(t('queue.resume'), () => turn('resume'), { icon: 'play', kind: 'main' })
        : button(t('queue.pause'), () => turn('pause'), { icon: 'pause' }),
    );
    if (held) switches.querySelector('button')?.focus();
  }

  const stop = onChange(({ name }) => /^(job|queue|reset|open)/.test(name) && !/preview/.test(name) && asking.soon());
  load();
  return { element, close: () => (closing.abort(), stop(), asking.stop()) };
}

function told({ waiting, running, seconds, isPaused }) {
  if (!waiting && !running) return '';
  const words = t('queue.about', { waiting, running });
  return waiting && seconds > 0 && !isPaused ? `${words} ${t('strip.eta', { span: span(1000 * seconds) })}` : words;
}

function nameOf(job) {
  return job.request.prompt || t('strip.no_words');
}

/** Make work that is done once for many wishes: at once if nothing else is done, else when that is over. */
function settled(work) {
  let running = /** @type {Promise<void> | null} */ (null);
  let isWanted = false;
  let timer = 0;
  const now = () => {
    clearTimeout(timer);
    isWanted = true;
    running ??= (async () => {
      while (isWanted) {
        isWanted = false;
        await work();
      }
      running = null;
    })();
    return running;
  };
  const soon = () => (clearTimeout(timer), (timer = window.setTimeout(now, SETTLE_MS)));
  return { now, soon, stop: () => clearTimeout(timer) };
}
