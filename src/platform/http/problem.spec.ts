import { readFileSync } from 'node:fs';
import { PROBLEMS, Problem, type ProblemCode } from './problem.js';

const DOCS = new URL('../../../docs/errors.md', import.meta.url);

/** The rows of the table in docs/errors.md. */
const rows = readFileSync(DOCS, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replace(/^`|`$/g, '').replaceAll('&lt;', '<').replaceAll('&gt;', '>')),
  );

test('docs/errors.md has every code in the order of the table, with its status and what to do', () => {
  const table = Object.entries(PROBLEMS).map(([code, [status, , detail]]) => [code, String(status), detail]);
  expect(rows.map(([code, status, , detail]) => [code, status, detail])).toEqual(table);
});

test('docs/errors.md says of every code when it comes', () => {
  for (const cells of rows) {
    expect(cells).toHaveLength(4);
    expect(cells[2]?.length).toBeGreaterThan(10);
  }
});

test.each(Object.keys(PROBLEMS) as ProblemCode[])(
  '%s is of the form of a code, with a status, a title and a sentence',
  (code) => {
    const [status, title, detail] = PROBLEMS[code];
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect([status >= 400 && status < 600, title.length > 0]).toEqual([true, true]);
    expect(detail).toMatch(/^[A-Z].*[.>]$/);
    expect(new Problem(code).body('id')).toEqual({
      type: `urn:gatehouse:problem:${code}`,
      title,
      status,
      detail,
      code,
      requestId: 'id',
      errors: undefined,
    });
  },
);

test('what caused a problem is for the log, and no part of its body', () => {
  const problem = new Problem('internal_error', { cause: new Error('a secret') });
  expect(JSON.stringify(problem.body('id'))).not.toContain('secret');
});
