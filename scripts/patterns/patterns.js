import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What reads patterns in another language: it answers 0 or 1 for each line "pattern, tab, text". */
const ENGINES = {
  'RE2 (Go)': ['go', 'run', 'patterns.go'],
  Java: ['java', 'Patterns.java'],
  Perl: ['perl', 'patterns.pl'],
  Python: ['python3', 'patterns.py'],
};

/** Texts on which engines are of different minds, and some on which they are not. */
const TEXTS = [
  '',
  ' ',
  '\u00a0',
  '\u2003',
  '\u3000',
  'ada',
  ' ada ',
  'Ada Lovelace',
  'é',
  'ß',
  '١',
  'ſ',
  '😀',
  'support',
  'Support',
  'users:read',
  'users:Read',
  'Kq3vX0mZr8TtW2yB',
  'x'.repeat(65),
];

/** Every pattern of the document, wherever it stands. @param {unknown} within @returns {string[]} */
function patternsOf(within) {
  if (typeof within !== 'object' || within === null) return [];
  return Object.entries(within).flatMap(([name, value]) =>
    name === 'pattern' && typeof value === 'string' ? [value] : patternsOf(value),
  );
}

/**
 * Where each engine finds a pattern in a text otherwise than ECMAScript without a flag does; null for an engine that this
 * machine does not have. Throws where one cannot read a pattern.
 * @param {unknown} document
 * @returns {[engine: string, found: string[] | null][]}
 */
export function differences(document) {
  const asked = [...new Set(patternsOf(document))].flatMap((pattern) => TEXTS.map((text) => ({ pattern, text })));
  const input = asked.map(({ pattern, text }) => `${pattern}\t${text}`).join('\n');
  return Object.entries(ENGINES).map(([engine, [program = '', ...args]]) => {
    const answers = answersOf(program, args, input);
    const found = asked.filter(({ pattern, text }, at) => new RegExp(pattern).test(text) !== (answers?.[at] === '1'));
    return [engine, answers && found.map(({ pattern, text }) => `${pattern} on ${JSON.stringify(text)}`)];
  });
}

/** @param {string} program @param {string[]} args @param {string} input */
function answersOf(program, args, input) {
  try {
    const cwd = fileURLToPath(new URL('.', import.meta.url));
    return execFileSync(program, args, { cwd, input, encoding: 'utf8' }).split('\n');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return null;
    throw error;
  }
}
