/** Words of lists. */

const number = (n) => n.toLocaleString('en');

export const lists = {
  'lists.nav': 'Lists',
  'lists.title': 'Draw a whole list',
  'lists.label': 'What shall be drawn?',
  'lists.placeholder': 'a red heart\na smiling cat\na rocket',
  'lists.hint':
    'One sticker a line. Or a table from a spreadsheet, whose first line names its columns: prompt, and if you like style, n, seed.',
  'lists.file': 'Open a file',
  'lists.large': '{name} is larger than the 8 MB that are read. Split it into several lists',
  'lists.unreadable': '“{name}” is no list. Open one of text (txt, csv, tsv or jsonl), saved as UTF-8',
  'lists.count': 'How many of each',
  'lists.name': 'Name of the list',
  'lists.name_open': 'for example: for Ann',
  'lists.about': 'A list is drawn behind whatever somebody waits for, and goes on if you close this page.',
  'lists.draw': 'Draw all',
  'lists.good': ({ rows, pictures, time }) =>
    `${rows === 1 ? 'One line' : `${number(rows)} lines`}, ${pictures === 1 ? 'one sticker' : `${number(pictures)} stickers`}, about ${time}.`,
  'lists.mistakes': ({ n }) =>
    n === 1 ? 'One line cannot be drawn yet:' : `${number(n)} things keep it from being drawn:`,
  'lists.line': 'Line {n}',
  'lists.more_mistakes': ({ n }) => `And ${number(n)} more.`,
  'lists.handed_in': ({ n }) => (n === 1 ? 'One sticker is on its way.' : `${number(n)} stickers are on their way.`),
  'lists.yours': 'Your lists',
  'lists.unnamed': 'A list',
  'lists.done': '{done} of {of} lines drawn',
  'lists.failed': ({ n }) => (n === 1 ? 'one failed' : `${n} failed`),
  'lists.is_cancelled': 'the rest was canceled',
  'lists.is_cancelling': 'the rest is being canceled',
  'lists.checking': 'Looking through it …',
  'lists.checked': ({ rows, of }) => `Looked through ${number(rows)} of ${number(of)} lines …`,
  'lists.stop': 'Stop',
  'lists.check': 'Look through it',
  'lists.broke_off': 'Looking through it broke off again and again.',
  'lists.lining_up': ({ n, of }) => `${number(n)} of ${number(of)} lines are in line`,
  'lists.sending': 'Handing it in …',
  'lists.leave_out': ({ n }) => (n === 1 ? 'Leave this line out' : 'Leave these lines out'),
  'lists.left_out': ({ n }) => (n === 1 ? 'One line is left out.' : `${number(n)} lines are left out.`),
  'lists.is_expired': 'not drawn in time',
  'lists.is_failed': 'could not be drawn',
};
