import Bowser from 'bowser';

const BROWSERS = new Set(Object.values(Bowser.BROWSER_MAP));
const SYSTEMS = new Set(Object.values(Bowser.OS_MAP));
const UNKNOWN = 'Unknown device';

/** A readable name for a user agent, such as "Chrome on Windows". Never empty. Part of it may be the client's own words. */
export function deviceName(userAgent: string | null): string {
  const known = knownDevice(userAgent);
  if (known !== UNKNOWN) return known;
  // A program: the product before the first slash or space names it (RFC 9110, 10.1.5).
  return /^[\w.-]{1,40}/.exec(userAgent ?? '')?.[0] ?? UNKNOWN;
}

/** As `deviceName`, but made of nothing that a client could have written: for mails. */
export function knownDevice(userAgent: string | null): string {
  if (!userAgent) return UNKNOWN;
  const { browser, os } = Bowser.parse(userAgent);
  const parts = [browser.name, os.name].filter((name) => name && (BROWSERS.has(name) || SYSTEMS.has(name)));
  return parts.join(' on ') || UNKNOWN;
}
