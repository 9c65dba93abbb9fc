// Before anything is painted: the theme that somebody chose, so that a dark room stays dark.
try {
  document.documentElement.dataset.theme = JSON.parse(localStorage.getItem('underpaint.theme') ?? '"auto"');
} catch {
  document.documentElement.dataset.theme = 'auto';
}
