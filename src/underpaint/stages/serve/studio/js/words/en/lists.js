/** Words of lists. */

export const lists = {
  'lists.nav': 'Lists',
  'lists.title': 'Draw a whole list',
  'lists.label': 'What shall be drawn?',
  'lists.placeholder': 'a red heart\na smiling cat\na rocket',
  'lists.hint':
    'One sticker a line. Or a table from a spreadsheet, whose first line names its columns: prompt, and if you like style, n, seed.',
  'lists.file': 'Open a file',
  'lists.large': '{name} is larger than the 8 MB that are read. Split it into several lists',
  'lists.count': 'How many of each',
  'lists.name': 'Name of the list',
  'lists.name_open': 'for example: for Ann',
  'lists.about': 'A list is drawn behind whatever somebody waits for, and goes on if you close this page.',
  'lists.draw': 'Draw all',
  'lists.good': ({ rows, pictures, time }) =>
    `${rows === 1 ? 'One line' : `${rows.toLocaleString('en')} lines`}, ${pictures === 1 ? 'one sticker' : `${pictures.toLocaleString('en')} stickers`}, about ${time}.`,
  'lists.mistakes': ({ n }) =>
    n === 1 ? 'One line cannot be drawn yet:' : `${n.toLocaleString('en')} things keep it from being drawn:`,
  'lists.line': 'Line {n}',
  'lists.more_mistakes': ({ n }) => `And ${n.toLocaleString('en')} more.`,
  'lists.handed_in': ({ n }) =>
    n === 1 ? 'One sticker is on its way.' : `${n.toLocaleString('en')} stickers are on their way.`,
  'lists.yours': 'Your lists',
  'lists.unnamed': 'A list',
  'lists.done': '{done} of {of} lines drawn',
  'lists.failed': ({ n }) => (n === 1 ? 'one failed' : `${n} failed`),
  'lists.is_cancelled': 'the rest was canceled',
  'lists.is_cancelling': 'the rest is being canceled',
  'lists.checking': 'Looking through it …',
  'lists.sending': 'Handing it in …',
  'lists.leave_out': ({ n }) => (n === 1 ? 'Leave this line out' : 'Leave these lines out'),
  'lists.left_out': ({ n }) => (n === 1 ? 'One line is left out.' : `${n.toLocaleString('en')} lines are left out.`),
  'lists.is_expired': 'not drawn in time',
  'lists.is_failed': 'could not be drawn',
};
