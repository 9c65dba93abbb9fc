/** Dropping a picture anywhere on the page, or pasting one: what made it fills the form. */

import { h } from './elements.js';
import { fail, note, over, sentence } from './notices.js';
import { call } from './server.js';
import { t } from './words.js';

const MOST_BYTES = 50e6;

/**
 * Take pictures that are dropped or pasted; a view that wants them itself stops the event.
 *
 * @param {import('./main.js').App} app The app.
 */
export function takeDrops(app) {
  const veil = h('div', { class: 'veil', hidden: true, 'aria-hidden': 'true' }, h('p', {}, t('drop.here')));
  document.body.append(veil);
  let depth = 0;
  const over = (event) => event.dataTransfer?.types.includes('Files');
  const enter = (event) => over(event) && ((depth += 1), (veil.hidden = false));
  const leave = (event) => over(event) && ((depth -= 1), (veil.hidden = depth > 0 ? false : true));
  addEventListener('dragenter', enter);
  addEventListener('dragleave', leave);
  addEventListener('dragover', (event) => over(event) && event.preventDefault());
  addEventListener('drop', (event) => {
    [depth, veil.hidden] = [0, true];
    if (event.defaultPrevented || !over(event)) return;
    event.preventDefault();
    recall(app, event.dataTransfer?.files[0]);
  });
  addEventListener('paste', (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith('image/'));
    if (!event.defaultPrevented && file) recall(app, file);
  });
}

/**
 * Fill the form with what made a picture.
 *
 * @param {import('./main.js').App} app The app.
 * @param {File | undefined} file The picture.
 * @returns {Promise<boolean>} Whether that could be read.
 */
export async function recall(app, file) {
  over('drop');
  try {
    if (!file) throw new Error(t('drop.nothing'));
    if (file.type && !file.type.startsWith('image/')) throw new Error(t('drop.no_picture', { name: file.name }));
    if (file.size > Math.min(MOST_BYTES, app.capabilities.limits.upload_bytes)) throw new Error(t('drop.large'));
    const sent = new FormData();
    sent.append('file', file);
    const found = await call('POST', '/api/v1/recall', { form: sent });
    app.use({ ...found.settings, ...found.request, release: found.release });
    note(found.is_served ? t('drop.recalled') : t('drop.other_model'), {
      icon: found.is_served ? 'check' : 'warning',
    });
    return true;
  } catch (error) {
    const isRead = error.code === 'invalid_value';
    fail(isRead ? t('drop.no_settings', { name: file?.name, why: sentence(error.message) }) : error, 'drop');
    return false;
  }
}
