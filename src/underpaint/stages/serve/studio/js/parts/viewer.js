/** A picture large, with what drew it and what can be done with it; arrows lead to its neighbors. */

import { known } from '../collection.js';
import { button, h, replace } from '../elements.js';
import { fail, openDialog, say, tried } from '../notices.js';
import { ACTIONS } from '../picture_actions.js';
import { altOf, largeOf } from '../pictures.js';
import { favoriteButton, remarks } from './remarks.js';
import { moment, span, styleName, t } from '../words.js';

/**
 * Open a picture.
 *
 * @param {import('../main.js').App} app The app.
 * @param {import('../pictures.js').Picture[]} pictures It and its neighbors.
 * @param {number} at Which of them.
 * @param {{onclose?: () => void}} [how] Told when it is closed.
 */
export function openViewer(app, pictures, at, { onclose } = {}) {
  const place = h('div', { class: 'viewer' });
  const dialog = openDialog(t('viewer.title'), place, { wide: true, onclose });
  let now = at;

  const step = (by) => {
    if (pictures.length < 2) return;
    now = (now + by + pictures.length) % pictures.length;
    show();
    say(t('viewer.now', { n: now + 1, of: pictures.length, alt: altOf(pictures[now]) }));
  };
  const show = () =>
    replace(place, stage(pictures[now], pictures.length > 1 ? step : null), details(app, pictures[now], dialog.close));

  dialog.element.addEventListener('keydown', (event) => {
    const isTyping = /** @type {Element} */ (event.target).closest('input, textarea, select');
    if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === 'ArrowLeft') step(-1);
    if (event.key === 'ArrowRight') step(1);
  });
  show();
}

function stage(picture, step) {
  const canvas = largeOf(picture);
  return h(
    'div',
    { class: 'tile stage' },
    h('div', { class: 'paper' }, canvas),
    step
      ? h(
          'div',
          { class: 'row steps' },
          button(t('viewer.before'), () => step(-1), { icon: 'left', bare: true }),
          button(t('viewer.next'), () => step(1), { icon: 'right', bare: true }),
        )
      : null,
    h('p', { class: 'lost' }, t('picture.gone')),
  );
}

function details(app, picture, close) {
  const facts = h('dl', { class: 'facts' });
  const actions = h('div', { class: 'actions' });
  const thoughts = h('div');
  const show = (now) => {
    replace(
      facts,
      factsOf(app, now).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
    );
    const [first, ...others] = buttons(app, now, close);
    replace(actions, first, 'favorite' in now ? favoriteButton(now) : null, others);
  };
  show(picture);
  known(picture.pixel_sha256).then((found) => {
    if (!found) return;
    const held = [...actions.children].indexOf(/** @type {any} */ (document.activeElement));
    show(found);
    if (held >= 0) /** @type {any} */ (actions.children[held])?.focus();
    replace(thoughts, remarks(found));
  }, fail);
  return h(
    'div',
    { class: 'details' },
    h('p', { class: 'words' }, picture.settings.prompt || t('strip.no_words')),
    actions,
    facts,
    thoughts,
  );
}

function buttons(app, picture, close) {
  const act = async (action) => {
    if (action.leaves) close();
    await tried('viewer.doing', () => action.run(app, picture));
  };
  const usable = ACTIONS.filter((action) => action.when?.(app, picture) ?? true);
  return usable.map((action, i) =>
    button(t(`action.${action.name}`), () => act(action), {
      icon: action.icon,
      kind: i === 0 ? 'main' : undefined,
    }),
  );
}

/**
 * Return what is known of a picture.
 *
 * @param {import('../main.js').App} app The app.
 * @param {import('../pictures.js').Picture} picture The picture.
 * @returns {Array<[string, string]>} What, and its value in words.
 */
export function factsOf(app, picture) {
  const { style, seed, guidance, temperature, steps } = picture.settings;
  /** @type {Array<[string, any]>} */
  const facts = [
    ['style', styleName(style)],
    ['seed', seed],
    ['guidance', guidance],
    ['temperature', temperature],
    ['steps', steps],
    ['model', modelName(app, picture.settings)],
    ['size', t('facts.pixels', { width: picture.width, height: picture.height })],
    ['made', picture.created_at ? moment(picture.created_at) : null],
    ['cost', costOf(picture.cost)],
  ];
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return known.map(([name, value]) => [t(`facts.${name}`), String(value)]);
}

/**
 * Return what a picture's model is called here; its release where it is not served.
 *
 * @param {import('../main.js').App} app The app.
 * @param {Object<string, any>} settings Of the picture.
 * @returns {string | undefined} The name.
 */
function modelName(app, { model, release }) {
  const named = app.capabilities.models.find((one) =>
    [one.name, one.release].some((name) => name === (release ?? model)),
  );
  return named ? named.name : (release ?? model);
}

/**
 * Return what a picture cost.
 *
 * @param {any} cost Time, energy, money and how they are known.
 * @returns {string | null} As `52 ms · 0.8 J · 0.0001 EUR (estimate)`.
 */
export function costOf(cost) {
  if (!cost) return null;
  const number = (value) =>
    Number(value).toLocaleString(document.documentElement.lang, { maximumSignificantDigits: 2 });
  const parts = [
    cost.ms > 0 ? span(cost.ms) : null,
    cost.joules > 0 ? t('facts.joules', { n: number(cost.joules) }) : null,
    cost.money > 0 ? `${number(cost.money)} ${cost.currency ?? ''}`.trim() : null,
  ].filter(Boolean);
  return parts.length ? `${parts.join(' · ')}${cost.basis ? ` (${cost.basis})` : ''}` : null;
}
