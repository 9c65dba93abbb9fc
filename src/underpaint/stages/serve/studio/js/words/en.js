/** English, the language that is always there; each part of the studio has its words in a file of its own. */

import { compare } from './en/compare.js';
import { create } from './en/create.js';
import { edit } from './en/edit.js';
import { gallery } from './en/gallery.js';
import { lists } from './en/lists.js';
import { moods } from './en/moods.js';
import { picture } from './en/picture.js';
import { queue } from './en/queue.js';
import { shell } from './en/shell.js';

/** @type {Object<string, string | ((values: any) => string)>} */
export const en = { ...shell, ...picture, ...create, ...moods, ...edit, ...gallery, ...queue, ...compare, ...lists };
