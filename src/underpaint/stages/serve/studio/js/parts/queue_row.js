/** A job in the queue: what it draws, how far it is, what can be done with it; dragged or moved by its buttons. */

import { button, h, replace } from '../elements.js';
import { picturesOf } from '../pictures.js';
import { moment, styleName, t } from '../words.js';
import { stateOf } from './strip.js';
import { tileOf } from './tile.js';
import { openViewer } from './viewer.js';

const DRAGGED = 'application/x-underpaint-job';

/**
 * @typedef {object} Doings What can be done with a job; each is given the job.
 * @property {(job: any) => any} cancel
 * @property {(job: any) => any} hold
 * @property {(job: any) => any} unhold
 * @property {(job: any) => any} retry
 * @property {(job: any) => any} front
 * @property {(job: any) => any} up
 * @property {(job: any) => any} down
 * @property {(id: string, target: string) => any} before Puts a job before another.
 */

/**
 * Make the row of a job.
 *
 * @param {import('../main.js').App} app The app.
 * @param {string} id The job.
 * @param {Doings} doings What can be done with it.
 * @returns {import('./keyed_list.js').Row<{job: import('../jobs.js').Job, at: number, of: number}>} The row.
 */
export function queueRow(app, id, doings) {
  const title = h('h3', { class: 'words' });
  const about = h('p', { class: 'soft' });
  const state = h('p', { class: 'state' });
  const bar = h('progress', { hidden: true, 'aria-label': t('queue.progress') });
  const pictures = h('div', { class: 'queue-pictures' });
  const tools = h('div', { class: 'row tools' });
  const element = h(
    'li',
    { class: 'card queue-row', dataset: { job: id } },
    pictures,
    h('div', { class: 'queue-words' }, title, about, state, bar),
    tools,
  );
  takeDrags(element, id, doings);
  let shown = '';

  function set({ job, at, of }) {
    element.dataset.state = job.state;
    element.draggable = job.state === 'queued' && of > 1;
    title.textContent = job.request.prompt || t('strip.no_words');
    about.textContent = [
      t('queue.pictures', { n: job.progress.n }),
      styleName(job.request.style),
      moment(job.created_at),
    ]
      .filter(Boolean)
      .join(' · ');
    state.textContent = stateOf(job);
    bar.hidden = job.state !== 'running';
    bar.max = job.progress.n;
    bar.value = job.progress.images_done;
    showPictures(job);
    showTools(job, at, of);
  }

  function showPictures(job) {
    const drawn = picturesOf(job);
    for (let i = pictures.children.length; i < drawn.length; i += 1)
      pictures.append(tileOf(drawn[i], () => openViewer(app, drawn, i)));
  }

  function showTools(job, at, of) {
    const key = `${job.state} ${at === 0} ${at === of - 1}`;
    if (key === shown) return;
    shown = key;
    const name = /** @type {HTMLElement | null} */ (
      tools.contains(document.activeElement) ? document.activeElement : null
    )?.dataset.does;
    replace(
      tools,
      toolsOf(job, at, of).map(([does, drawing, isOff]) =>
        button(t(`queue.${does}`), () => doings[does](job), {
          icon: drawing,
          bare: true,
          disabled: isOff,
          dataset: { does },
        }),
      ),
    );
    if (!name) return;
    const same =
      tools.querySelector(`[data-does="${name}"]:not(:disabled)`) ?? tools.querySelector('button:not(:disabled)');
    /** @type {HTMLElement | null} */ (same)?.focus();
  }

  return { element, set };
}

/** Return what can be done with a job: its name, its sign, whether it cannot be done just now. */
function toolsOf(job, at, of) {
  if (job.state === 'failed') return /** @type {const} */ ([['retry', 'again', false]]);
  if (job.state === 'running') return /** @type {const} */ ([['cancel', 'close', false]]);
  if (job.state === 'held')
    return /** @type {const} */ ([
      ['unhold', 'play', false],
      ['cancel', 'close', false],
    ]);
  return /** @type {const} */ ([
    ['front', 'front', at === 0],
    ['up', 'up', at === 0],
    ['down', 'down', at === of - 1],
    ['hold', 'pause', false],
    ['cancel', 'close', false],
  ]);
}

function takeDrags(element, id, doings) {
  const isOurs = (event) => event.dataTransfer?.types.includes(DRAGGED) && element.draggable;
  const over = (is) => element.classList.toggle('over', is);
  element.addEventListener('dragstart', (event) => {
    event.dataTransfer.setData(DRAGGED, id);
    event.dataTransfer.effectAllowed = 'move';
  });
  element.addEventListener('dragover', (event) => {
    if (!isOurs(event)) return;
    event.preventDefault();
    over(true);
  });
  element.addEventListener('dragleave', () => over(false));
  element.addEventListener('drop', (event) => {
    over(false);
    if (!isOurs(event)) return;
    event.preventDefault();
    event.stopPropagation();
    doings.before(event.dataTransfer.getData(DRAGGED), id);
  });
}
