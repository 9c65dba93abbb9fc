/** What was asked for in one go: its words, how far it is, its pictures. */

import { button, h, replace } from '../elements.js';
import { OVER, changeJob, freshKey, submit, watch } from '../jobs.js';
import { say, sentence, tried } from '../notices.js';
import { picturesOf } from '../pictures.js';
import { moment, span, styleName, t } from '../words.js';
import { emptyTile, fillTile, showProgress } from './tile.js';
import { openViewer } from './viewer.js';

/**
 * @typedef {object} Strip
 * @property {HTMLElement} element
 * @property {() => void} close Ends what it does; the job goes on.
 * @property {string | null} job The id of its job; null before the server has it.
 *
 * @typedef {object} StripUse What a strip can be used for.
 * @property {(strip: Strip) => void} onknown Told when the job has an id.
 * @property {(strip: Strip) => void} onremove Told to take it out of sight.
 * @property {(request: Object<string, any>) => void} onmore Asked for the same words with other numbers.
 * @property {(error: Error, request: Object<string, any>) => boolean} onrefused Told that a request was refused; says whether that
 *     is shown elsewhere, so that the strip goes.
 */

/**
 * Hand in a job and show it.
 *
 * @param {import('../main.js').App} app The app.
 * @param {{kind?: string, request: Object<string, any>}} body As `POST /api/v1/jobs` takes it.
 * @param {StripUse} use What it can be used for.
 * @param {string} [idempotencyKey] The key of a job that was written down before.
 * @returns {Strip} The strip.
 */
export function freshStrip(app, body, use, idempotencyKey = freshKey()) {
  const strip = emptyStrip(app, use);
  strip.lay(body.request, body.request.n ?? 1);
  strip.tell(t('strip.sending'));
  const send = async () => {
    try {
      strip.follow((await submit(body, idempotencyKey)).id);
      use.onknown(strip);
    } catch (error) {
      if (use.onrefused(error, body.request)) use.onremove(strip);
      else strip.refused(error, send);
    }
  };
  send();
  return strip;
}

/**
 * Show a job that is known to the server.
 *
 * @param {import('../main.js').App} app The app.
 * @param {string} id The job.
 * @param {StripUse} use What it can be used for.
 * @returns {Strip} The strip.
 */
export function knownStrip(app, id, use) {
  const strip = emptyStrip(app, use);
  strip.follow(id);
  return strip;
}

function emptyStrip(app, use) {
  const parts = {
    title: h('h3', { class: 'words' }),
    about: h('p', { class: 'soft' }),
    state: h('p', { class: 'state' }),
    tiles: h('div', { class: 'tiles' }),
    tools: h('div', { class: 'row tools' }),
  };
  const element = h(
    'article',
    { class: 'card strip' },
    h('div', { class: 'strip-head' }, h('div', {}, parts.title, parts.about), parts.tools),
    parts.tiles,
    parts.state,
  );
  let stop = () => {};
  let isClosed = false;
  let seen = '';
  const strip = {
    element,
    job: /** @type {string | null} */ (null),
    close: () => ((isClosed = true), stop()),
    lay,
    tell,
    follow,
    refused,
  };

  function lay(request, count) {
    parts.title.textContent = request.prompt || t('strip.no_words');
    if (parts.tiles.children.length !== count) replace(parts.tiles, Array.from({ length: count }, emptyTile));
  }

  function tell(words) {
    parts.state.textContent = words;
    parts.state.hidden = !words;
  }

  function follow(id) {
    strip.job = id;
    element.dataset.job = id;
    // The answer may come after the view was closed: the job goes on, and nobody here listens to it.
    if (!isClosed) stop = watch(id, hear, () => use.onremove(strip));
  }

  function hear({ job, preview, paused }) {
    lay(job.request, job.progress.n);
    parts.about.textContent = [styleName(job.request.style), moment(job.created_at)].filter(Boolean).join(' · ');
    draw(job, preview);
    tell(paused ? t('strip.paused') : stateOf(job));
    showTools(job);
    if (job.state !== seen) announce(job, seen);
    seen = job.state;
  }

  function draw(job, preview) {
    const pictures = picturesOf(job);
    element.dataset.state = job.state;
    job.images.forEach((image, i) => {
      const tile = /** @type {HTMLElement} */ (parts.tiles.children[image.index]);
      if (tile && !tile.dataset.picture) fillTile(tile, pictures[i], () => openViewer(app, picturesOf(job), i));
    });
    if (OVER.has(job.state)) return parts.tiles.querySelectorAll('.waiting').forEach((tile) => tile.remove());
    const next = /** @type {HTMLElement | null} */ (parts.tiles.querySelector('.waiting'));
    if (next) showProgress(next, { active: job.state === 'running', preview });
  }

  function showTools(job) {
    const asked = () => use.onmore({ ...job.request, seed: undefined });
    const cancel = () => tried('strip.cancel', () => changeJob(job.id, 'cancel'));
    const tools = OVER.has(job.state)
      ? [
          job.kind === 'generation' ? button(t('strip.more'), asked, { icon: 'again' }) : null,
          job.kind === 'generation' ? button(t('strip.use'), () => app.use(job.request), { icon: 'pencil' }) : null,
          button(t('strip.remove'), () => use.onremove(strip), { icon: 'close', bare: true }),
        ]
      : [button(t('strip.cancel'), cancel, { icon: 'close' })];
    // The focus would be lost with a button that is replaced.
    const held = [...parts.tools.children].indexOf(/** @type {any} */ (document.activeElement));
    const same = parts.tools.dataset.state === job.state;
    if (same) return;
    parts.tools.dataset.state = job.state;
    replace(parts.tools, tools);
    if (held >= 0) /** @type {any} */ (parts.tools.lastElementChild)?.focus();
  }

  function refused(error, again) {
    element.dataset.state = 'refused';
    parts.tiles.replaceChildren();
    tell(sentence(error.message));
    replace(
      parts.tools,
      button(t('strip.again'), () => (tell(t('strip.sending')), again()), { icon: 'again' }),
      button(t('strip.remove'), () => use.onremove(strip), { icon: 'close', bare: true }),
    );
    say(sentence(error.message));
  }

  return strip;
}

/**
 * Return how far a job is, in a sentence.
 *
 * @param {import('../jobs.js').Job} job The job.
 * @returns {string} The sentence; none for one that succeeded.
 */
export function stateOf(job) {
  const { state, position, eta_ms: eta, progress } = job;
  if (state === 'queued') {
    const words = position ? t('strip.waiting', { n: position }) : t('strip.next');
    return eta === null ? words : `${words} ${t('strip.eta', { span: span(eta) })}`;
  }
  if (state === 'running')
    return t('strip.drawing', { n: Math.min(progress.images_done + 1, progress.n), of: progress.n });
  if (state === 'failed') return t('strip.failed', { why: sentence(job.error?.message ?? '') });
  return state === 'succeeded' ? '' : t(`strip.${state}`);
}

function announce(job, before) {
  if (job.state === 'succeeded' && before) say(t('strip.done', { n: job.images.length, prompt: job.request.prompt }));
  else if (job.state !== 'succeeded' && job.state !== 'running') say(stateOf(job));
}
