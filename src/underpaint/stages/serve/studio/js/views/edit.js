/** A picture drawn anew: as a whole or in part, from a drawing of one's own, in other words or another style. */

import { known } from '../collection.js';
import { EMPTY, draft, editOf } from '../edit_draft.js';
import { button, h } from '../elements.js';
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
  const model = [...app.capabilities.models]
    .sort((a, b) => Number(b.is_default) - Number(a.is_default))
    .find((one) => one.can_edit);
  if (!model)
    return {
      element: h('section', {}, h('h1', {}, t('edit.title')), h('p', { class: 'card none' }, t('edit.cannot'))),
    };
  /** What is on its way to the easel; what is done to what lies there, and what is laid there, ends that. */
  let arriving = new AbortController();
  const results = stripList(app, { name: 'edit.strips', title: t('edit.results'), most: MOST_STRIPS });
  const easel = makeEasel(() => {
    tools.show();
    draft.change({ layers: { paint: easel.dataOf('paint'), veil: easel.dataOf('veil') } });
  });
  const tools = easelTools(easel);
  const asked = editForm(app, model, draw);
  const table = h(
    'div',
    { class: 'edit-table' },
    h('div', { class: 'card edit-easel' }, easel.element, tools.element),
    asked.element,
  );
  const start = startOf({
    side: model.width,
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
  takeFiles(element, bring);

  function show() {
    const isThere = Boolean(draft.value.source) || draft.value.isSketch;
    table.hidden = start.again.hidden = !isThere;
    start.first.hidden = isThere;
    asked.show();
    tools.choose(draft.value.isSketch ? 'paint' : 'veil');
  }

  /** Let what is on its way to the easel be given up for something else. */
  function begin() {
    arriving.abort();
    arriving = new AbortController();
    return arriving.signal;
  }

  /** Lay a new picture or a blank sheet on the easel; say whether nothing was done meanwhile. */
  async function lay(fields) {
    draft.set({ ...EMPTY, count: draft.value.count, ...fields });
    const signal = begin();
    await easel.lay(draft.value.source?.data ?? null);
    show();
    return !signal.aborted;
  }

  async function bring(file) {
    over('edit.source');
    const signal = begin();
    try {
      const source = await sourceOf(file, model, app.capabilities.limits);
      if (!signal.aborted && (await lay({ source }))) say(t('edit.brought'));
    } catch (error) {
      if (!signal.aborted) fail(error, 'edit.source');
    }
  }

  async function take(digest, varies) {
    const signal = begin();
    try {
      const picture = await overLosses(() => known(digest), signal);
      if (signal.aborted) return;
      if (!picture) return fail(t('picture.gone'), 'edit.source');
      const { prompt = '', style = null } = picture.settings;
      const source = await sourceOf(await overLosses(() => fileOf(picture), signal), model, app.capabilities.limits);
      if (signal.aborted) return;
      const ownStyle = model.styles.includes(style) ? style : null;
      const isAsLaid = await lay({ source, prompt, ownWords: prompt.trim(), style: ownStyle });
      if (varies && isAsLaid && asked.check()) await draw();
    } catch (error) {
      if (!signal.aborted) fail(error, 'edit.source');
    }
  }

  async function draw() {
    over('edit.draw');
    try {
      results.add({ kind: 'edit', request: await editOf(draft.value, easel, model) });
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
  return { element, close: () => (arriving.abort(), stop(), results.close()) };
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

function takeFiles(element, bring) {
  const pictureOf = (data) => [...(data?.files ?? [])].find((file) => KINDS.includes(file.type));
  element.addEventListener('drop', (event) => {
    const file = pictureOf(event.dataTransfer);
    if (!file) return;
    event.preventDefault();
    bring(file);
  });
  element.addEventListener('paste', (event) => {
    const file = pictureOf(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    bring(file);
  });
}
