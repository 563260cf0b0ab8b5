/** Schemes that a browser serves no app from: it sends `null` for them, or nothing. */
const NO_ORIGIN = /^(?:ws|wss|ftp|file|data|blob|javascript|about|view-source|chrome|moz|resource):/;
/** An app's own scheme, whose origin every part of the platform compares as a text: capacitor, ionic, tauri, an extension. */
const OF_APP = /^[a-z][a-z\d+.-]*:\/\/[a-z\d._-]+(?::\d{1,5})?$/;

/** What is wrong with one item of `CORS_ORIGINS`, said of it, or null. Origins are compared as a text, so each is exactly one. */
export function faultOfOrigin(text: string): string | null {
  if (text === 'null')
    return 'must not hold null: files and sandboxed frames of anybody have this origin. Name the origin of your app';
  if (text.includes('*')) return 'must name each origin: * would let every site read what is answered';
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(text) || !URL.canParse(text) || NO_ORIGIN.test(text.toLowerCase()))
    return 'must be a list of origins such as https://app.example.com or capacitor://localhost';
  const { origin, host, protocol } = new URL(text);
  const exact = origin === 'null' ? `${protocol}//${host.toLowerCase()}` : origin;
  if (text === exact) return origin !== 'null' || OF_APP.test(text) ? null : 'holds an origin without a host';
  if (text.includes('@')) return 'must hold no user or password: an origin has none';
  return `must have an origin as browsers send it, without a path or a slash at the end: ${exact}`;
}

/** Whether an app at this origin is a page of the web, to which a browser can bring a cookie. */
export function isWebOrigin(origin: string): boolean {
  return /^https?:/.test(origin);
}
