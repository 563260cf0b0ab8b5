/** Visible after a moment only (CSS), so that quick answers do not flicker. */
export function Loading() {
  return (
    <p className="loading" role="status">
      Loading…
    </p>
  );
}
