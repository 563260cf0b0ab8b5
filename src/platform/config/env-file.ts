import { trimSpaces } from '../common/trim-blanks.js';

/** What stands in an env file: its settings, the line of each, and one sentence for each fault. */
export interface EnvFile {
  values: Record<string, string>;
  lines: Record<string, number>;
  faults: string[];
}

const NAME = /^[A-Za-z_]\w*$/;
const BLANK = /^[ \t]*$/;
/** What may follow a closing quote. */
const ONLY_COMMENT = /^(?:[ \t]+#.*|[ \t]*)$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
/** White space but for what stands between words, and marks that have no width. */
const INVISIBLE = /[^\S \t]|[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069]/;
const TYPOGRAPHIC = /^[\u2018-\u201f\u00ab\u00bb]/;
const PLACEHOLDER = /\$[{(]/;

/**
 * Reads a file of settings, one `NAME=value` a line, and takes only what every program that reads such files would read
 * alike: what one of them takes for a comment and another for half of a password is a fault. No fault repeats a value.
 */
export function parseEnvFile(bytes: Buffer, name = '.env'): EnvFile {
  const file: EnvFile = { values: {}, lines: {}, faults: [] };
  const text = decode(bytes);
  if (text === null) {
    file.faults.push(`${name} is not UTF-8, as where an editor saved it as UTF-16 or “Unicode”. Save it as UTF-8.`);
    return file;
  }
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (BLANK.test(line) || /^[ \t]*#/.test(line)) continue;
    const entry = readEntry(line, lines.slice(index + 1));
    if ('fault' in entry) file.faults.push(`Line ${index + 1} of ${name} ${entry.fault}.`);
    else {
      const first = Object.hasOwn(file.lines, entry.name) ? file.lines[entry.name] : undefined;
      if (first !== undefined)
        file.faults.push(`Line ${index + 1} of ${name} sets ${entry.name}, as line ${first} does. Keep one of them.`);
      file.values[entry.name] = entry.value;
      if (first === undefined) file.lines[entry.name] = index + 1;
      index += entry.further;
    }
  }
  return file;
}

/** The text of a file in UTF-8, without its byte order mark; null for any other encoding. */
function decode(bytes: Buffer): string | null {
  // Without a byte order mark it shows by the NUL beside its first letter.
  const isUtf16 = bytes.subarray(0, 2).includes(0);
  try {
    return isUtf16 ? null : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

type Entry = { name: string; value: string; further: number } | { fault: string };

function readEntry(line: string, following: string[]): Entry {
  if (CONTROL.test(line)) return { fault: 'holds a control character' };
  const [, left, right] = /^([^=]*)=(.*)$/.exec(line) ?? [];
  if (left === undefined || right === undefined)
    return { fault: 'has no =. Write NAME=value, or # before a comment; a value of several lines needs quotes' };
  const name = trimSpaces(left).replace(/^export[ \t]+/, '');
  if (!NAME.test(name)) return { fault: 'has no name before its = that consists of letters, digits and _' };
  const quoted = /^[ \t]*(["'`].*)$/.exec(right)?.[1];
  const read = quoted === undefined ? readBare(right) : readQuoted(quoted, following);
  return 'fault' in read ? { fault: `sets ${name}, ${read.fault}` } : { name, ...read };
}

type Value = { value: string; further: number } | { fault: string };

function readBare(text: string): Value {
  const at = /(?:^|[ \t])#/.exec(text)?.index ?? text.length;
  const value = trimSpaces(text.slice(0, at));
  const comment = trimSpaces(text.slice(at));
  if (value.includes('#') || (comment !== '' && !/^#(?:[ \t]|$)/.test(comment)) || text.startsWith('#'))
    return {
      fault: 'where # may begin a comment or belong to the value. Put the value in quotes, or blanks around the #',
    };
  if (TYPOGRAPHIC.test(value)) return { fault: 'whose value begins with a typographic quote. Use " or \'' };
  if (INVISIBLE.test(value)) return { fault: 'whose value holds an invisible character. Type it anew, or quote it' };
  if (value.endsWith('\\')) return { fault: 'whose value ends with \\, but goes no further than its line. Quote it' };
  if (PLACEHOLDER.test(value)) return { fault: PLACEHOLDER_FAULT };
  return { value, further: 0 };
}

const PLACEHOLDER_FAULT =
  "whose $ with a brace stands for nothing else here. Write the value itself, or put it in single quotes ('…')";

/** Quotes of one kind around a value, which may go over several lines. Only \n in double quotes stands for something else. */
function readQuoted(text: string, following: string[]): Value {
  const quote = text[0] ?? '';
  let inside = text.slice(1);
  let further = 0;
  while (!inside.includes(quote)) {
    const next = following[further++];
    // A line that is a setting of its own shows where the quote was forgotten.
    if (next === undefined || CONTROL.test(next) || /^(?:export[ \t]+)?[A-Z][A-Z\d_]*[ \t]*=/.test(next))
      return { fault: `whose value begins with ${quote} and does not end with it` };
    inside += `\n${next}`;
  }
  const end = inside.indexOf(quote);
  const value = inside.slice(0, end);
  if (!ONLY_COMMENT.test(inside.slice(end + 1)))
    return { fault: `with something behind the closing ${quote}. Use another kind of quotes around it (" ' \`)` };
  if (quote !== '"') return { value, further };
  if (/\\(?!n)/.test(value)) return { fault: "with a \\ in double quotes. Use single quotes ('…')" };
  if (PLACEHOLDER.test(value)) return { fault: PLACEHOLDER_FAULT };
  return { value: value.replaceAll('\\n', '\n'), further };
}
