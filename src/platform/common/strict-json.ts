/** Thrown for text that is not strict JSON. Carries nothing of the text. */
export class StrictJsonError extends Error {}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A string of a text that may not be JSON, and the colon behind it where it is a member's name. Where the string does not
 * end, all the rest is matched: a pattern that fails there would be tried again from every escaped quote on, and a body of
 * 64 KiB would hold the process for seconds.
 */
const STRING_AND_COLON = /"(?:[^"\\]|\\[\s\S]?)*(?:"(\s*:)?)?/g;

/**
 * What stands in a name only by an escape: a quote, a backslash, a control character. After the name `\\` V8 of Node 24 reads
 * another name with an escape wrongly (nodejs/node#63785), so it must never be given one: it could hide a member that
 * stands twice. No API of ours has such a name.
 */
const ESCAPED_SIGN = /\\(?:["\\bfnrt]|u00(?:[01][\da-f]|22|5c|7f))/i;

/**
 * Parses JSON as I-JSON asks (RFC 7493): UTF-8 without a byte order mark, no lone surrogate, and each member once.
 * JSON.parse keeps the last of two members with one name, another parser the first; what two parsers read
 * differently is a way round a check. `__proto__` is refused because no API of ours has it and much code trips on it.
 * Throws StrictJsonError.
 */
export function parseStrictJson(input: Buffer | string): unknown {
  const text = typeof input === 'string' ? input : decode(input);
  const written = countNames(text);
  const value = parse(text);
  if (written !== countMembers(value)) throw new StrictJsonError('a member stands twice');
  return value;
}

/** Counts the names as they are written, before anything reads them. */
function countNames(text: string): number {
  let names = 0;
  for (const [written, colon] of text.matchAll(STRING_AND_COLON)) {
    if (colon === undefined) continue;
    if (ESCAPED_SIGN.test(written))
      throw new StrictJsonError('a name holds a quote, a backslash or a control character');
    names++;
  }
  return names;
}

function decode(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new StrictJsonError('not UTF-8');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new StrictJsonError('not JSON');
  }
}

/** Counts members without recursion: a body of brackets alone must not exhaust the stack. */
function countMembers(root: unknown): number {
  let count = 0;
  const open: unknown[] = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value === 'string') refuseLoneSurrogate(value);
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const item of value) open.push(item);
      continue;
    }
    for (const [name, member] of Object.entries(value)) {
      if (name === '__proto__') throw new StrictJsonError('a member is named __proto__');
      refuseLoneSurrogate(name);
      count++;
      open.push(member);
    }
  }
  return count;
}

function refuseLoneSurrogate(text: string): void {
  if (/\p{Surrogate}/u.test(text)) throw new StrictJsonError('a lone surrogate');
}
