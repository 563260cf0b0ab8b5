// Runs before the first paint, so that a chosen theme does not flash. web/src/pages/theme.tsx stores it.
try {
  document.documentElement.dataset.theme = localStorage.getItem('gatehouse theme') ?? 'system';
} catch {
  // Without storage the theme is the system's.
}
