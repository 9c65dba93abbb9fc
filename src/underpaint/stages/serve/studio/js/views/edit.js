/** A picture drawn anew: as a whole or in part, from a drawing of one's own, in other words or another style. */

import { known } from '../collection.js';
import { EMPTY, draft, editOf } from '../edit_draft.js';
import { button, h, replace } from '../elements.js';
import { fail, say } from '../notices.js';
import { makeEasel } from '../parts/easel.js';
import { easelTools } from '../parts/easel_tools.js';
import { editForm } from '../parts/edit_form.js';
import { freshStrip, knownStrip } from '../parts/strip.js';
import { sourceOf } from '../sources.js';
import { fileOf } from '../pictures.js';
import { kept } from '../state.js';
import { t } from '../words.js';

const MOST_STRIPS = 8;
const KINDS = 'image/png,image/jpeg,image/webp';

/** Jobs whose strips are shown, the latest first. */
const recent = kept('edit.strips', /** @type {string[]} */ ([]));

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
  const results = resultsOf(app);
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

  /** Lay a new picture or a blank sheet on the easel. */
  async function lay(fields) {
    draft.set({ ...EMPTY, count: draft.value.count, ...fields });
    await easel.lay(draft.value.source?.data ?? null);
    show();
  }

  async function bring(file) {
    try {
      await lay({ source: await sourceOf(file, model, app.capabilities.limits) });
      say(t('edit.brought'));
    } catch (error) {
      fail(error);
    }
  }

  async function take(digest, varies) {
    try {
      const picture = await known(digest);
      if (!picture) return fail(t('picture.gone'));
      const { prompt = '', style = null } = picture.settings;
      const source = await sourceOf(await fileOf(picture), model, app.capabilities.limits);
      await lay({ source, prompt, ownWords: prompt.trim(), style: model.styles.includes(style) ? style : null });
      if (varies && asked.check()) await draw();
    } catch (error) {
      fail(error);
    }
  }

  async function draw() {
    try {
      results.add({ kind: 'edit', request: await editOf(draft.value, easel, model) });
    } catch (error) {
      fail(error);
    }
  }

  const digest = query.get('picture');
  if (digest) history.replaceState(null, '', '#/edit');
  show();
  if (digest) take(digest, query.has('vary'));
  else easel.lay(draft.value.source?.data ?? null, draft.value.layers).then(tools.show, fail);
  return { element, close: results.close };
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

/** Make the list of what was drawn here lately, the latest first. */
function resultsOf(app) {
  const list = h('div', { class: 'strips' });
  const element = h('section', { class: 'results', hidden: true }, h('h2', {}, t('edit.results')), list);
  /** @type {import('../parts/strip.js').Strip[]} */
  let strips = [];
  const keep = () => {
    element.hidden = strips.length === 0;
    recent.set(strips.map((one) => one.job).filter((id) => id !== null));
  };
  const use = {
    onknown: keep,
    onmore: () => {},
    onremove: (strip) => {
      strip.close();
      strip.element.remove();
      strips = strips.filter((one) => one !== strip);
      keep();
    },
  };
  const add = (body) => {
    const strip = freshStrip(app, body, use);
    strips = [strip, ...strips];
    list.prepend(strip.element);
    strips.slice(MOST_STRIPS).forEach(use.onremove);
    element.hidden = false;
    strip.element.scrollIntoView({ block: 'nearest' });
  };
  strips = recent.value.map((id) => knownStrip(app, id, use));
  replace(
    list,
    strips.map((one) => one.element),
  );
  element.hidden = strips.length === 0;
  return { element, add, close: () => strips.forEach((one) => one.close()) };
}
