import { Problem } from '../platform/http/problem.js';

/** Exit codes (sysexits.h where it has one), told by `--help`. */
export const EXIT = { ok: 0, refused: 1, usage: 64, input: 66 } as const;

/** The command was understood and cannot be done. The message says what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    message: string,
    readonly exitCode: number = EXIT.refused,
  ) {
    super(message);
  }
}

/** For a `catch`: throws a CommandError with this message in place of `not_found`, since an operator may know what there is. */
export function sayAbsent(message: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof Problem && error.code === 'not_found' ? new CommandError(message) : error;
  };
}

/** Prints a result: for programs as JSON, else as the lines for a person. */
export function print(json: boolean | undefined, value: unknown, lines: string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : lines.map((line) => `${line}\n`).join(''));
}

/** Rows in columns, with a line of names above. */
export function table(rows: Record<string, string>[]): string[] {
  const names = Object.keys(rows[0] ?? {});
  const widths = names.map((name) => Math.max(name.length, ...rows.map((row) => (row[name] ?? '').length)));
  const line = (cells: string[]) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return names.length === 0 ? [] : [line(names), ...rows.map((row) => line(names.map((name) => row[name] ?? '')))];
}
