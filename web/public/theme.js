// Before anything is painted: a theme that was chosen is there from the first moment on. web/src/pages/theme.tsx sets it.
try {
  document.documentElement.dataset.theme = localStorage.getItem('gatehouse theme') ?? 'system';
} catch {
  // Where nothing may be stored, the theme is the system's.
}
