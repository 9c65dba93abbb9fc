/** Words of the comparison. */

export const compare = {
  'compare.nav': 'Compare',
  'compare.title': 'Compare',
  'compare.about':
    'Both sides draw the same words with the same numbers, so that only what you change here makes a difference.',
  'compare.no_words': 'Write what you want to see first.',
  'compare.left': 'Left',
  'compare.right': 'Right',
  'compare.count': 'Pairs',
  'compare.draw': 'Draw both',
  'compare.drawing': 'Both are being drawn.',
  'compare.results': 'Pairs',
  'compare.vote': 'Which is better?',
  'compare.left_better': 'Left is better',
  'compare.right_better': 'Right is better',
  'compare.none_better': 'No difference',
  'compare.tally': ({ left, right, none }) => `Left ${left}, right ${right}, no difference ${none}.`,
  'compare.same': 'Both are the same picture, pixel by pixel.',
  'compare.missing': 'There is no picture.',
  'compare.unset': 'as usual',
  'compare.pick': 'Open another picture and choose Compare there too.',
  'zoom.title': 'Look closer',
  'zoom.larger': 'Larger',
  'zoom.smaller': 'Smaller',
  'zoom.whole': 'The whole picture',
  'action.compare': 'Compare',
};
