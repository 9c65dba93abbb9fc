/** One subject in many moods: asked for in a word, drawn as one character, taken along as a whole. */

import { onChange } from '../changes.js';
import { h } from '../elements.js';
import { editorsOf, fieldsOf, modelOf } from '../form.js';
import { fail, over, say, tried } from '../notices.js';
import { paced } from '../pacing.js';
import { keyedList } from '../parts/keyed_list.js';
import { isOver, sheetCard } from '../parts/sheet_card.js';
import { sheetForm } from '../parts/sheet_form.js';
import { call, overLosses } from '../server.js';
import { handIn } from '../sheets.js';
import { t } from '../words.js';

const SHOWN = 5;
const PACE_MS = 250;

/**
 * Open the view.
 *
 * @param {import('../main.js').App} app The app.
 * @returns {import('../views.js').View} The view.
 */
export function open(app) {
  const models = editorsOf(app.capabilities);
  if (!models.length) return { element: cannot() };
  const title = h('h2', { hidden: true }, t('moods.yours'));
  const cards = keyedList((id) => sheetCard(app, id, { doing, again }), { class: 'sheets' });
  const form = sheetForm(app, draw);
  const element = h('div', { class: 'moods' }, form.element, title, cards.element);
  /** @type {import('../sheets.js').Sheet[]} */
  let sheets = [];
  const closing = new AbortController();
  const { signal } = closing;

  const show = () => {
    title.hidden = sheets.length === 0;
    cards.show(sheets.map((sheet) => ({ id: sheet.id, value: sheet })));
  };

  async function load() {
    try {
      const asked = () => call('GET', '/api/v1/sheets', { query: { limit: SHOWN }, signal });
      const { data } = await overLosses(asked, signal);
      if (signal.aborted) return;
      over('moods.load');
      sheets = data;
      show();
    } catch (error) {
      if (!signal.aborted) fail(error, 'moods.load');
    }
  }
  const soon = paced(load, PACE_MS);

  async function draw(body) {
    const sheet = await handIn(body);
    sheets = [sheet, ...sheets.filter((one) => one.id !== sheet.id)].slice(0, SHOWN);
    show();
    say(t('moods.begun'));
    cards.element.firstElementChild?.scrollIntoView({ block: 'nearest' });
    soon.ask();
  }

  async function doing(work) {
    await tried('moods.doing', work);
    soon.ask();
  }

  function again({ subject, pictures, model, style, same }) {
    const named = new Set(app.capabilities.moods.map((one) => one.name));
    const all = pictures.flatMap((one) => one.mood ?? []);
    const [moods, own] = [all.filter((mood) => named.has(mood)), all.filter((mood) => !named.has(mood))];
    const drawnBy = modelOf({ models }, model);
    const more = {
      ...fieldsOf(drawnBy),
      ...(own.length ? { own } : {}),
      ...(drawnBy.styles.includes(style) ? { style } : {}),
    };
    doing(() => draw({ subject, moods, same, ...more }));
  }

  /** Say whether a change is of what is shown here. */
  const concerns = ({ name, data }) =>
    ['reset', 'open', 'sheet.changed'].includes(name) ||
    (/^job\./.test(name) &&
      !['job.preview', 'job.progress', 'job.moved'].includes(name) &&
      sheets.some((sheet) => !isOver(sheet) && sheet.pictures.some((one) => one.job === data.job)));
  const stop = onChange((change) => concerns(change) && soon.ask());
  load();
  return { element, close: () => (closing.abort(), stop(), soon.close(), form.close()), focus: form.focus };
}

function cannot() {
  return h('section', { class: 'card' }, h('h1', {}, t('moods.title')), h('p', {}, t('moods.cannot')));
}
