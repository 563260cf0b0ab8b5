import Bowser from 'bowser';

/** A readable name for a user agent, such as "Chrome on Windows". Never empty. */
export function deviceName(userAgent: string | null): string {
  if (!userAgent) return 'Unknown device';
  const { browser, os } = Bowser.parse(userAgent);
  if (browser.name && os.name) return `${browser.name} on ${os.name}`;
  // A program: the product before the first slash or space names it (RFC 9110, 10.1.5).
  return browser.name || os.name || (/^[\w.-]{1,40}/.exec(userAgent)?.[0] ?? 'Unknown device');
}
