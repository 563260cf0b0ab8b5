/** Thrown for text that is not strict JSON. Carries nothing of the text. */
export class StrictJsonError extends Error {}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A string of a JSON text, and the colon behind it where it is a member's name. */
const STRING_AND_COLON = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

/**
 * Parses JSON as I-JSON asks (RFC 7493): UTF-8 without a byte order mark, no lone surrogate, and each member once.
 * JSON.parse keeps the last of two members with one name, another parser the first; what two parsers read
 * differently is a way round a check. `__proto__` is refused because no API of ours has it and much code trips on it.
 * Throws StrictJsonError.
 */
export function parseStrictJson(input: Buffer | string): unknown {
  const text = typeof input === 'string' ? input : decode(input);
  const value = parse(text);
  const named = countMembers(value);
  let written = 0;
  for (const match of text.matchAll(STRING_AND_COLON)) if (match[1] !== undefined) written++;
  if (written !== named) throw new StrictJsonError('a member stands twice');
  return value;
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
