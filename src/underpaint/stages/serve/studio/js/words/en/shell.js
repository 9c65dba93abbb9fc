/** Words of what surrounds every view. */

export const shell = {
  name: 'underpaint',
  title: '{view} · underpaint studio',
  close: 'Close',
  undo: 'Undo',
  no: 'No, go back',
  reload: 'Load the page again',
  'main.views': 'Views',
  'main.skip': 'Go to the content',
  'main.old_title': 'A part of the page is missing',
  'main.old_page':
    'This page is older than the server, which was updated meanwhile. Load it again; nothing you made or typed is lost.',
  'notices.region': 'Messages',
  'notices.older': ({ n }) => `and ${n} more`,
  language: 'Language',
  'theme.light': 'Light colors',
  'theme.dark': 'Dark colors',
  'key.title': 'This server asks for a key',
  'key.about': 'Whoever runs this server can give you one. It stays in this browser.',
  'key.label': 'Key',
  'key.enter': 'Enter',
  'server.unreachable': 'The server does not answer',
  'server.unreachable_safe':
    'The server does not answer. What you made and typed is safe; this page goes on by itself once it is back.',
  'server.back': 'The server is back.',
  'server.odd': 'Something went wrong between this page and the server (status {status}). Try again in a moment',
  'drop.here': 'Drop a sticker to draw it again',
  'drop.nothing': 'That was no file. Drop a picture that underpaint drew',
  'drop.large': 'This file is far larger than any sticker, so it was not sent. Drop a PNG that underpaint drew',
  'drop.no_settings': 'This picture does not say how it was drawn, so there is nothing to recall. {why}',
  'drop.recalled': 'Recalled. Press Draw, and the same picture comes.',
  'drop.other_model':
    'Recalled, but another model drew it, which this server does not have. The same words draw something similar.',
  'span.ms': '{n} ms',
  'span.s': '{n} s',
  'span.min': '{n} min',
};
