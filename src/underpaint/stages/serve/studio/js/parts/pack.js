/** Pictures as the files that messengers, shops and social networks take: where to, with which outline, under which name. */

import { field, h, icon, replace } from '../elements.js';
import { fail, note, openDialog, over } from '../notices.js';
import { save } from '../pictures.js';
import { request } from '../server.js';
import { kept } from '../state.js';
import { styled } from '../styles.js';
import { t } from '../words.js';
import { choice } from './choices.js';

const WIDTHS = { none: 0, thin: 8, bold: 20 };

const chosen = kept('pack', {
  places: ['whatsapp', 'telegram'],
  outline: 'thin',
  color: 'white',
  shadow: false,
  background: 'none',
  title: '',
  author: '',
});

/**
 * Open the dialog for a pack of stickers.
 *
 * @param {import('../main.js').App} app The app.
 * @param {string[]} digests SHA-256 of the pixels of the pictures.
 */
export async function openPack(app, digests) {
  await styled('pack');
  openDialog(t('pack.title', { n: digests.length }), () => pack(app.capabilities.places, digests), { wide: true });
}

function pack(places, digests) {
  const advice = h('ul', { class: 'advice', 'aria-live': 'polite' });
  const send = h('button', { type: 'submit', class: 'button main' }, icon('download'), h('span', {}, t('pack.make')));
  const show = () => {
    const wanted = places.filter((one) => chosen.value.places.includes(one.name));
    send.disabled = wanted.length === 0;
    replace(
      advice,
      wanted.map((place) => adviceOf(place, digests.length)),
    );
  };
  const submit = async (event) => {
    event.preventDefault();
    over('pack');
    send.disabled = true;
    send.setAttribute('aria-busy', 'true');
    try {
      await download(digests, places);
      note(t('pack.made'));
    } catch (error) {
      fail(error, 'pack');
    }
    send.removeAttribute('aria-busy');
    show();
  };
  const element = h(
    'form',
    { class: 'pack', onsubmit: submit },
    kinds(places, show),
    looks(),
    names(),
    advice,
    h('div', { class: 'row end foot' }, h('p', { class: 'soft busy' }, t('pack.busy')), send),
  );
  show();
  return element;
}

/** Make the places to choose from, by kind; the kinds in which none is chosen are folded. */
function kinds(places, onchange) {
  const groups = [...new Set(places.map((place) => place.kind))];
  const toggle = (name, isOn) => {
    const others = chosen.value.places.filter((one) => one !== name);
    chosen.change({ places: isOn ? [...others, name] : others });
    onchange();
  };
  return h(
    'fieldset',
    {},
    h('legend', {}, t('pack.places')),
    groups.map((kind, i) => {
      const rows = places.filter((place) => place.kind === kind);
      const open = i === 0 || rows.some((place) => chosen.value.places.includes(place.name));
      return h(
        'details',
        { open },
        h('summary', {}, icon('down'), t(`pack.${kind}`)),
        h(
          'div',
          { class: 'places' },
          rows.map((place) =>
            h(
              'label',
              { class: 'place' },
              h('input', {
                type: 'checkbox',
                checked: chosen.value.places.includes(place.name),
                onchange: (event) => toggle(place.name, event.target.checked),
              }),
              h('span', {}, place.title),
              h('span', { class: 'soft' }, `${place.width} × ${place.height}`),
            ),
          ),
        ),
      );
    }),
  );
}

function looks() {
  const words = (keys, about) => keys.map((value) => ({ value, words: t(`${about}.${value}`) }));
  const { outline, color, background, shadow } = chosen.value;
  const box = h('input', {
    type: 'checkbox',
    checked: shadow,
    onchange: () => chosen.change({ shadow: box.checked }),
  });
  return h(
    'div',
    { class: 'row wide' },
    choice(t('pack.outline'), words(Object.keys(WIDTHS), 'pack.outline'), outline, (value) =>
      chosen.change({ outline: value }),
    ).element,
    choice(t('pack.color'), words(['white', 'black'], 'pack.color'), color, (value) => chosen.change({ color: value }))
      .element,
    choice(t('pack.background'), words(['none', 'own', 'white'], 'pack.background'), background, (value) =>
      chosen.change({ background: value }),
    ).element,
    h('label', { class: 'place' }, box, h('span', {}, t('pack.shadow'))),
  );
}

function names() {
  const input = (name) =>
    h('input', {
      type: 'text',
      maxlength: 100,
      value: chosen.value[name],
      oninput: (event) => chosen.change({ [name]: event.target.value }),
    });
  return h('div', { class: 'grid' }, field(t('pack.name'), input('title')), field(t('pack.author'), input('author')));
}

/** Return how the files get to a place, and whether it takes so many. */
function adviceOf({ title, counts, how, splits }, number) {
  const words = [packsOf(counts, splits, number), how].filter(Boolean).join(' ');
  return words ? h('li', {}, h('b', {}, `${title}: `), words) : null;
}

function packsOf(counts, splits, number) {
  if (counts.length === 0 || counts.includes(number)) return '';
  const [least, most] = [counts[0], counts.at(-1)];
  if (number < least) return t('pack.few', { least, more: least - number });
  if (splits) return t('pack.split', { most, packs: Math.ceil(number / most) });
  if (number > most) return t('pack.many', { most });
  return t('pack.counts', { counts: counts.join(', '), n: number });
}

async function download(digests, places) {
  const { places: wanted, outline, color, shadow, background, title, author } = chosen.value;
  const width = WIDTHS[outline];
  const named = Object.entries({ title: title.trim(), author: author.trim() }).filter(([, text]) => text);
  const known = new Set(places.map((place) => place.name));
  const body = {
    pictures: digests,
    places: wanted.filter((name) => known.has(name)),
    shadow,
    background,
    ...(width ? { contour: { color, width } } : {}),
    ...Object.fromEntries(named),
  };
  const answer = await request('POST', '/api/v1/stickers', { body });
  save(await answer.blob(), 'underpaint-pack.zip');
}
