/**
 * What is wrong with a URL that may hold a password, said of it and without a part of it, or null. A reserved character in a
 * password ends it for every reader of URLs, who then takes the rest of it for a host or a path (RFC 3986, 3.2.1).
 */
export function faultOfUrl(text: string, schemes: readonly string[], example: string): string | null {
  const scheme = /^([a-z]+:)\/\//i.exec(text)?.[1]?.toLowerCase() ?? '';
  if (!schemes.includes(scheme))
    return `must be a URL that starts with ${schemes.map((each) => `${each}//`).join(' or ')}, such as ${example}`;
  if (/[\s\p{Cc}]/u.test(text)) return 'must hold no blank: in a password it is written %20';
  if (text.includes('#')) return 'holds a # that stands for itself: in a password it is written %23';
  if (/%(?![\da-f]{2})/i.test(text)) return 'holds a % that encodes nothing: in a password it is written %25';
  const authority = /^[a-z]+:\/\/([^/?]*)/i.exec(text)?.[1] ?? '';
  if (authority.includes(':') && !authority.includes('@') && text.includes('@'))
    return 'holds a / or ? before its @: in a password they are written %2F and %3F';
  if (isUndecodable(text)) return 'holds percent signs that encode no UTF-8';
  if (!URL.canParse(text) && !isListOfHosts(authority))
    return `must be a URL such as ${example}; reserved characters of a password are written in percent signs (@ as %40, : as %3A)`;
  return null;
}

function isUndecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return false;
  } catch {
    return true;
  }
}

/** What is said of it has a sentence of its own. */
function isListOfHosts(authority: string): boolean {
  return authority.slice(authority.lastIndexOf('@') + 1).includes(',');
}
