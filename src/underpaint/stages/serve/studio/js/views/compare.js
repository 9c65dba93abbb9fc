/** Two models, or two ways to ask, side by side: the same words and the same numbers, so that only what was changed differs. */

import { known } from '../collection.js';
import { enterSubmits, field, h, icon, replace } from '../elements.js';
import { freshSeed, modelOf } from '../form.js';
import { OVER, submit, watch } from '../jobs.js';
import { fail, over, say, tried } from '../notices.js';
import { overLosses } from '../server.js';
import { choice } from '../parts/choices.js';
import { mistakeBelow } from '../parts/mistake.js';
import { emptyPair } from '../parts/pair.js';
import { PLAIN, requestOfSide, sideFields } from '../parts/side.js';
import { hintBelow } from '../parts/word_hints.js';
import { picturesOf } from '../pictures.js';
import { kept } from '../state.js';
import { t } from '../words.js';

const SIDES = /** @type {const} */ (['left', 'right']);
const COUNTS = [1, 2, 4, 8];

/** What is compared in this tab. */
const asked = kept('compare', { prompt: '', count: 2, left: PLAIN, right: PLAIN });

/** The jobs of the comparison that is shown, left and right, and how it was voted on. */
const shown = kept('compare.shown', {
  jobs: /** @type {string[]} */ ([]),
  count: 0,
  votes: /** @type {Object<string, string>} */ ({}),
});

/**
 * Open the view.
 *
 * @param {import('../main.js').App} app The app.
 * @param {URLSearchParams} query `left` and `right`: pictures of the gallery that are compared instead.
 * @returns {import('../views.js').View} The view.
 */
export function open(app, query) {
  const results = resultsOf(app);
  const given = SIDES.map((side) => query.get(side));
  const element = h('div', { class: 'compare' }, h('h1', {}, t('compare.title')));
  if (given.every(Boolean)) {
    const closing = new AbortController();
    element.append(pairOf(app, /** @type {string[]} */ (given), closing.signal));
    return { element, close: () => closing.abort() };
  }
  const form = formOf(app, results.draw);
  element.append(form.element, results.element);
  return { element, close: () => (form.close(), results.close()) };
}

function pairOf(app, digests, signal) {
  const pair = emptyPair(app);
  const fill = async (digest, i) => {
    over(`compare.${SIDES[i]}`);
    try {
      const picture = await overLosses(() => known(digest), signal);
      if (signal.aborted) return;
      if (picture) pair.fill(i, picture);
      else pair.drop(i);
    } catch (error) {
      if (!signal.aborted) fail(error, `compare.${SIDES[i]}`);
    }
  };
  digests.forEach(fill);
  return pair.element;
}

function formOf(app, draw) {
  const prompt = h('input', {
    value: asked.value.prompt,
    maxlength: 400,
    autocomplete: 'off',
    placeholder: t('create.placeholder'),
    'aria-describedby': 'compare-hint compare-mistake',
  });
  const mistake = mistakeBelow(prompt, 'compare-mistake');
  const hint = hintBelow(app, 'compare-hint', t('create.hint'), {
    models: () => SIDES.map((side) => modelOf(app.capabilities, asked.value[side].model).name),
    ontrouble: (words) => (mistake.tell(words), (main.disabled = Boolean(words))),
  });
  prompt.addEventListener('input', () => {
    mistake.tell(hint.trouble());
    asked.change({ prompt: prompt.value });
    hint.look(prompt.value);
  });
  enterSubmits(prompt);
  const counts = COUNTS.filter((n) => n <= app.capabilities.limits.n).map((value) => ({ value, words: String(value) }));
  const count = choice(t('compare.count'), counts, asked.value.count, (value) => asked.change({ count: value }));
  const sides = SIDES.map((side) =>
    sideFields(app, t(`compare.${side}`), asked.value[side], (value) => {
      asked.change({ [side]: value });
      hint.look(prompt.value);
    }),
  );
  const submitted = (event) => {
    event.preventDefault();
    const wrong = prompt.value.trim() ? hint.refusal() : t('compare.no_words');
    if (wrong) mistake.complain(wrong);
    else draw();
  };
  const main = h(
    'button',
    { class: 'button main large', type: 'submit' },
    icon('compare'),
    h('span', {}, t('compare.draw')),
  );
  const words = field(t('create.question'), prompt);
  words.append(mistake.element, hint.element);
  const element = h(
    'form',
    { class: 'card ask', onsubmit: submitted, novalidate: true },
    words,
    h('p', { class: 'hint' }, t('compare.about')),
    h('div', { class: 'sides' }, sides),
    h('div', { class: 'row spread' }, count.element, main),
  );
  hint.look(prompt.value);
  return { element, close: hint.close };
}

/** Make the place of the comparison that was asked for last. */
function resultsOf(app) {
  const list = h('div', { class: 'pairs' });
  const tally = h('p', { class: 'tally', role: 'status' });
  const element = h('section', { class: 'results', 'aria-label': t('compare.results') }, tally, list);
  /** @type {Array<() => void>} */
  let stops = [];
  const close = () => stops.splice(0).forEach((stop) => stop());

  function showTally() {
    const count = (choice) => Object.values(shown.value.votes).filter((one) => one === choice).length;
    const values = { left: count('left'), right: count('right'), none: count('none') };
    tally.textContent = values.left + values.right + values.none ? t('compare.tally', values) : '';
  }

  function follow() {
    close();
    const { jobs, count } = shown.value;
    const pairs = Array.from({ length: jobs.length ? count : 0 }, (_, i) =>
      emptyPair(app, {
        vote: (choice) => {
          shown.change({ votes: { ...shown.value.votes, [i]: choice } });
          showTally();
        },
      }),
    );
    replace(
      list,
      pairs.map((pair) => pair.element),
    );
    showTally();
    const gone = (side) => {
      pairs.forEach((pair) => pair.drop(side));
      if ((lost += 1) === jobs.length) forget();
    };
    let lost = 0;
    stops = jobs.map((id, side) =>
      watch(
        id,
        ({ job }) => tell(pairs, /** @type {0 | 1} */ (side), job),
        (error) => (/** @type {any} */ (error).status === 404 ? gone(side) : fail(error, 'compare.draw')),
      ),
    );
  }

  /** Show no comparison whose jobs are both kept no longer. */
  function forget() {
    shown.set({ jobs: [], count: 0, votes: {} });
    replace(list);
    showTally();
  }

  const draw = () =>
    tried('compare.draw', async () => {
      const { prompt, count } = asked.value;
      const seed = freshSeed();
      const requests = SIDES.map((side) => requestOfSide(asked.value[side], { prompt, count, seed }, app.capabilities));
      const jobs = await Promise.all(requests.map((request) => submit({ kind: 'generation', request })));
      shown.set({ jobs: jobs.map((job) => job.id), count: requests[0].n, votes: {} });
      follow();
      say(t('compare.drawing'));
    });

  follow();
  return { element, draw, close };
}

/** Show how far the job of a side is. */
function tell(pairs, side, job) {
  picturesOf(job).forEach((picture, i) => {
    const { index, cost } = /** @type {any} */ (job.images[i]);
    pairs[index]?.fill(side, { ...picture, cost });
  });
  const isOver = OVER.has(job.state);
  pairs.forEach((pair, i) =>
    isOver ? pair.drop(side) : pair.progress(side, job.state === 'running' && i === job.progress.images_done),
  );
}
