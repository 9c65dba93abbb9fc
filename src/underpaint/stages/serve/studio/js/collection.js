/** The gallery on the server: what is asked of it, and how it is undone. */

import { fail, note, over, tried } from './notices.js';
import { save } from './pictures.js';
import { call, request } from './server.js';
import { t } from './words.js';

/**
 * @typedef {object} Wanted Which pictures are looked for.
 * @property {string} [search] Words of the prompt or the note.
 * @property {boolean | null} [favorite] True for favorites alone.
 * @property {string | null} [style]
 * @property {boolean} [deleted] True for the bin.
 */

/**
 * Return a page of the gallery, the newest first.
 *
 * @param {Wanted} wanted Which pictures.
 * @param {{before?: string | null, limit?: number, signal?: AbortSignal}} [how] `before` is the `next` of the page before.
 * @returns {Promise<{data: import('./pictures.js').Picture[], total: number, next: string | null, used_bytes: number, max_bytes: number}>}
 */
export function page({ search, favorite, style, deleted }, { before, limit = 60, signal } = {}) {
  return call('GET', '/api/v1/gallery', {
    query: { search, favorite: favorite || null, style, deleted: deleted || null, before, limit },
    signal,
  });
}

/** The most that the server sends of the gallery at once. */
const MOST = 200;

/**
 * Return the newest pictures of the gallery, as many as are wanted at least, however many pages that takes.
 *
 * @param {Wanted} wanted Which pictures.
 * @param {{least: number, signal?: AbortSignal}} how `least`: how many, if there are so many.
 * @returns {ReturnType<typeof page>} As a page.
 */
export async function pages(wanted, { least, signal }) {
  let found = await page(wanted, { limit: Math.min(MOST, least), signal });
  while (found.next && found.data.length < least) {
    const more = await page(wanted, { before: found.next, limit: Math.min(MOST, least - found.data.length), signal });
    found = { ...more, data: [...found.data, ...more.data] };
  }
  return found;
}

/**
 * Return what the gallery knows of a picture; null if it is not there.
 *
 * @param {string} digest SHA-256 of its pixels.
 * @returns {Promise<import('./pictures.js').Picture | null>} The picture.
 */
export async function known(digest) {
  try {
    return await call('GET', `/api/v1/gallery/${digest}`);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

/**
 * Note what somebody thinks of a picture.
 *
 * @param {string} digest SHA-256 of its pixels.
 * @param {{favorite?: boolean, rating?: number | null, note?: string | null}} said What they think.
 * @returns {Promise<import('./pictures.js').Picture>} The picture then.
 */
export function say(digest, said) {
  return call('PATCH', `/api/v1/gallery/${digest}`, { body: said });
}

/**
 * Do one thing with several pictures.
 *
 * @param {'delete' | 'restore' | 'erase' | 'favorite' | 'unfavorite'} action What.
 * @param {string[]} digests SHA-256 of their pixels.
 * @returns {Promise<string[]>} Those that it changed.
 */
export async function act(action, digests) {
  return (await call('POST', '/api/v1/gallery/actions', { body: { action, pictures: digests } })).changed;
}

/**
 * Put pictures into the bin, and offer to take them out again.
 *
 * @param {string[]} digests SHA-256 of their pixels.
 * @param {() => void} [onundone] Told if they were taken out.
 */
export async function remove(digests, onundone) {
  const changed = await act('delete', digests);
  const undo = () => tried('gallery.undo', () => act('restore', changed).then(() => onundone?.()));
  note(t('collection.deleted', { n: changed.length }), { icon: 'trash', action: t('undo'), onaction: undo });
}

/**
 * Download several pictures as one file.
 *
 * @param {string[]} digests SHA-256 of their pixels.
 * @param {'zip' | 'sheet'} as Files with their settings, or all on one sheet.
 */
export async function archive(digests, as) {
  const answer = await request('POST', '/api/v1/gallery/archive', { body: { pictures: digests, as } });
  save(await answer.blob(), as === 'zip' ? 'underpaint-stickers.zip' : 'underpaint-sheet.png');
}

/**
 * Put pictures of one's own into the gallery, one after the other.
 *
 * @param {Iterable<File>} files The pictures.
 * @param {number} most Most bytes of one.
 * @returns {Promise<number>} How many were taken; what is wrong with the others is shown.
 */
export async function bring(files, most) {
  let taken = 0;
  over('gallery.bring');
  for (const file of files) {
    try {
      if (file.size > most) throw new Error(t('collection.large', { name: file.name, mb: Math.floor(most / 1e6) }));
      const form = new FormData();
      form.append('file', file);
      await call('POST', '/api/v1/gallery', { form });
      taken += 1;
    } catch (error) {
      const told = error.status ? new Error(t('collection.refused', { name: file.name, why: error.message })) : error;
      fail(told, 'gallery.bring');
    }
  }
  return taken;
}
