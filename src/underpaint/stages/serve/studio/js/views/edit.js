/** A picture drawn anew: as a whole or in part, from a drawing of one's own, in other words or another style. */

import { known } from '../collection.js';
import { EMPTY, draft, editOf } from '../edit_draft.js';
import { button, h } from '../elements.js';
import { editorsOf, modelOf, nameAmong } from '../form.js';
import { fail, over, say } from '../notices.js';
import { makeEasel } from '../parts/easel.js';
import { easelTools } from '../parts/easel_tools.js';
import { editForm } from '../parts/edit_form.js';
import { stripList } from '../parts/strips.js';
import { sourceOf } from '../sources.js';
import { fileOf } from '../pictures.js';
import { overLosses } from '../server.js';
import { t } from '../words.js';

const MOST_STRIPS = 8;
const KINDS = 'image/png,image/jpeg,image/webp';

/**
 * Open the view.
 *
 * @param {import('../main.js').App} app The app.
 * @param {URLSearchParams} query `picture`: one of the gallery; with `vary`, variations of it are asked for at once.
 * @returns {import('../views.js').View} The view.
 */
export function open(app, query) {
  const models = editorsOf(app.capabilities);
  if (!models.length)
    return {
      element: h('section', {}, h('h1', {}, t('edit.title')), h('p', { class: 'card none' }, t('edit.cannot'))),
    };
  const modelNow = () => modelOf({ models }, draft.value.model);
  /** What is on its way to the easel; what is done to what lies there, and what is laid there, ends that. */
  let arriving = new AbortController();
  const results = stripList(app, {
    name: 'edit.strips',
    title: t('edit.results'),
    most: MOST_STRIPS,
    onrefused: (error, request) => asked.refused(error, request),
  });
  const easel = makeEasel(() => {
    tools.show();
    draft.change({ layers: { paint: easel.dataOf('paint'), veil: easel.dataOf('veil') } });
  });
  const tools = easelTools(easel);
  const asked = editForm(app, models, draw);
  const table = h(
    'div',
    { class: 'edit-table' },
    h('div', { class: 'card edit-easel' }, easel.element, tools.element),
    asked.element,
  );
  const start = startOf({
    side: modelNow().width,
    bring,
    sketch: () => lay({ isSketch: true }),
    gallery: () => app.go('gallery'),
  });
  const element = h(
    'div',
    { class: 'edit' },
    h('div', { class: 'row spread' }, h('h1', {}, t('edit.title')), start.again),
    start.first,
    table,
    results.element,
  );
  const closing = new AbortController();
  takeFiles(bring, closing.signal);

  function show() {
    const isThere = Boolean(draft.value.source) || draft.value.isSketch;
    table.hidden = start.again.hidden = !isThere;
    start.first.hidden = isThere;
    asked.show();
    tools.choose(draft.value.isSketch ? 'paint' : 'veil');
  }

  /** Let what is on its way to the easel be given up for something else. */
  function begin() {
    over('edit.source');
    arriving.abort();
    arriving = new AbortController();
    return arriving.signal;
  }

  /** Lay a new picture or a blank sheet on the easel; say whether nothing was done meanwhile. */
  async function lay(fields) {
    const { model, count } = draft.value;
    draft.set({ ...EMPTY, model, count, ...fields });
    const signal = begin();
    await easel.lay(draft.value.source?.data ?? null);
    show();
    return !signal.aborted;
  }

  async function bring(file) {
    const signal = begin();
    try {
      const source = await sourceOf(file, models, app.capabilities.limits);
      if (!signal.aborted && (await lay({ source }))) say(t('edit.brought'));
    } catch (error) {
      if (!signal.aborted) fail(error, 'edit.source');
    }
  }

  /** Return who drew a picture, if that is one of those that can draw it anew. */
  function whoDrew({ settings }) {
    const { model, release } = settings;
    return models.find((one) => (release ? one.release === release : one.name === model));
  }

  async function take(digest, varies) {
    const signal = begin();
    try {
      const picture = await overLosses(() => known(digest), signal);
      if (signal.aborted) return;
      if (!picture) return fail(t('picture.gone'), 'edit.source');
      const { prompt = '', style = null } = picture.settings;
      const model = whoDrew(picture) ?? modelNow();
      const source = await sourceOf(await overLosses(() => fileOf(picture), signal), models, app.capabilities.limits);
      if (signal.aborted) return;
      const ownStyle = model.styles.includes(style) ? style : null;
      const name = nameAmong(models, model.name);
      const isAsLaid = await lay({ source, prompt, ownWords: prompt.trim(), model: name, style: ownStyle });
      if (varies && isAsLaid && asked.check()) await draw();
    } catch (error) {
      if (!signal.aborted) fail(error, 'edit.source');
    }
  }

  async function draw() {
    over('edit.draw');
    try {
      results.add({ kind: 'edit', request: await editOf(draft.value, easel, modelNow()) });
    } catch (error) {
      fail(error, 'edit.draw');
    }
  }

  const digest = query.get('picture');
  if (digest) history.replaceState(null, '', '#/edit');
  show();
  if (digest) take(digest, query.has('vary'));
  else easel.lay(draft.value.source?.data ?? null, draft.value.layers).then(tools.show, fail);
  const stop = draft.subscribe(() => arriving.abort());
  return { element, close: () => (closing.abort(), arriving.abort(), stop(), asked.close(), results.close()) };
}

/** Make the ways to begin: large as long as there is nothing, small afterwards. */
function startOf({ side, bring, sketch, gallery }) {
  const input = h('input', { type: 'file', accept: KINDS, hidden: true, 'aria-label': t('edit.upload') });
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    input.value = '';
    if (file) bring(file);
  });
  const ways = (kind) => [
    button(t('edit.upload'), () => input.click(), { icon: 'upload', kind }),
    button(t('edit.sketch'), sketch, { icon: 'pencil' }),
    button(t('edit.gallery'), gallery, { icon: 'gallery' }),
  ];
  return {
    first: h(
      'div',
      { class: 'card none edit-start' },
      h('p', { class: 'words' }, t('edit.begin')),
      h('div', { class: 'row center' }, ways('main')),
      h('p', { class: 'hint' }, t('edit.begin_about', { side })),
      input,
    ),
    again: h('div', { class: 'row' }, ways()),
  };
}

/** Take what is dropped or pasted anywhere on the page: of several files a picture, else the first that is dropped. */
function takeFiles(bring, signal) {
  const filesOf = (data) => [...(data?.files ?? [])];
  const pictureOf = (data) => filesOf(data).find((file) => KINDS.includes(file.type));
  const take = (event, file) => {
    if (!file) return;
    event.preventDefault();
    bring(file);
  };
  const dropped = ({ dataTransfer }) => pictureOf(dataTransfer) ?? filesOf(dataTransfer)[0];
  document.addEventListener('drop', (event) => take(event, dropped(event)), { signal });
  document.addEventListener('paste', (event) => take(event, pictureOf(event.clipboardData)), { signal });
}
