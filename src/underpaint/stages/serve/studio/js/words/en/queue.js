/** Words of the queue. */

export const queue = {
  'queue.nav': 'Queue',
  'queue.title': 'Queue',
  'queue.about': ({ waiting, running }) =>
    [
      running === 1 ? 'One is being drawn.' : running ? `${running} are being drawn.` : '',
      waiting === 1 ? 'One waits.' : waiting ? `${waiting.toLocaleString('en')} wait.` : '',
    ]
      .filter(Boolean)
      .join(' '),
  'queue.empty': 'Nothing waits. Whatever you ask for stands here until it is drawn, even if you close this page.',
  'queue.begin': 'Draw something',
  'queue.pause': 'Pause all',
  'queue.resume': 'Go on',
  'queue.paused': 'Paused. What waits stays here, also over restarts, until you let it go on.',
  'queue.running': 'Being drawn',
  'queue.queued': 'In line',
  'queue.held': 'On hold',
  'queue.failed': 'Could not be drawn',
  'queue.more': ({ n }) => `${n.toLocaleString('en')} more wait behind these.`,
  'queue.pictures': ({ n }) => (n === 1 ? '1 sticker' : `${n} stickers`),
  'queue.progress': 'How far it is',
  'queue.front': 'Draw it first',
  'queue.up': 'Earlier',
  'queue.down': 'Later',
  'queue.hold': 'Hold it back',
  'queue.unhold': 'Let it go on',
  'queue.cancel': 'Cancel',
  'queue.retry': 'Try again',
  'queue.moved': 'Number {n} of {of} in line.',
  'queue.cancelled': 'Canceled: {prompt}',
};
