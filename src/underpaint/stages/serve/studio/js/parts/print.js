/** Pictures on paper: which paper, which file, whether a line shows where to cut. */

import { h, icon } from '../elements.js';
import { fail, note, openDialog, over } from '../notices.js';
import { save } from '../pictures.js';
import { request } from '../server.js';
import { kept } from '../state.js';
import { t } from '../words.js';
import { choice } from './choices.js';

/** Where paper is measured in inches. */
const LETTER = /-(US|CA|MX|CL|CO|PH|VE)$/i;

const chosen = kept('print', {
  paper: /** @type {'a4' | 'letter'} */ (LETTER.test(navigator.language) ? 'letter' : 'a4'),
  as: /** @type {'png' | 'pdf'} */ ('png'),
  cut_line: true,
});

/**
 * Open the dialog for a printed sheet.
 *
 * @param {string[]} digests SHA-256 of the pixels of the pictures.
 * @param {string} [title] Of a PDF.
 */
export function openPrint(digests, title = '') {
  const line = h('input', {
    type: 'checkbox',
    checked: chosen.value.cut_line,
    onchange: () => chosen.change({ cut_line: line.checked }),
  });
  const send = h('button', { type: 'submit', class: 'button main' }, icon('download'), h('span', {}, t('print.make')));
  const busy = h('p', { class: 'soft', role: 'status' });
  const submitted = async (event) => {
    event.preventDefault();
    over('print');
    send.disabled = true;
    busy.textContent = t('print.busy');
    try {
      await download(digests, title);
      note(t('print.made'));
    } catch (error) {
      fail(error, 'print');
    }
    busy.textContent = '';
    send.disabled = false;
  };
  const one = (name, values) =>
    choice(
      t(`print.${name}`),
      values.map((value) => ({ value, words: t(`print.${name}.${value}`) })),
      chosen.value[name],
      (value) => chosen.change({ [name]: value }),
    ).element;
  const fields = h(
    'form',
    { class: 'question', onsubmit: submitted },
    h('p', {}, t('print.about')),
    h('div', { class: 'row wide' }, one('paper', ['a4', 'letter']), one('as', ['png', 'pdf'])),
    h('label', { class: 'tick' }, line, h('span', {}, t('print.cut_line'))),
    h('div', { class: 'row end foot' }, busy, send),
  );
  openDialog(t('print.title'), fields);
}

async function download(digests, title) {
  const body = { pictures: digests, ...chosen.value, contour: { color: 'white', width: 8 } };
  const named = title.trim() ? { title: title.trim().slice(0, 100) } : {};
  const answer = await request('POST', '/api/v1/print', { body: { ...body, ...named } });
  save(await answer.blob(), `underpaint-${chosen.value.paper}.${chosen.value.as}`);
}
