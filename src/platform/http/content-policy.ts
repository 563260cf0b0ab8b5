/**
 * The Content-Security-Policy by which a browser may show a page of ours (ASVS 5.0, 3.4.3): nothing but what the given
 * directives allow, no other base address, no form that sends anywhere, and nobody's frame.
 */
export function contentPolicy(allowed: Readonly<Record<string, string>>): string {
  const directives = {
    'default-src': "'none'",
    ...allowed,
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources}`)
    .join(';');
}

/** A page that runs its own files and speaks to its own server. `styles` are those that do not stand in files. */
export function ownFilesPolicy(styles = ''): string {
  return contentPolicy({
    'script-src': "'self'",
    'style-src': `'self' ${styles}`.trim(),
    'img-src': "'self' data:",
    'connect-src': "'self'",
  });
}
