import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { APP_SECRET } from './server.js';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command of the built CLI against a database. */
export function cli(
  databaseUrl: string,
  args: string[],
  { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<CliResult> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH, HOME, DATA_DIR: tmpdir(), DATABASE_URL: databaseUrl, BCRYPT_COST: '4', APP_SECRET, ...env },
  });
  const result: CliResult = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (result.stdout += chunk));
  child.stderr.on('data', (chunk) => (result.stderr += chunk));
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ ...result, code })));
}

/** As cli, and reads what it printed as JSON. */
export async function cliJson<T>(databaseUrl: string, args: string[], options?: Parameters<typeof cli>[2]): Promise<T> {
  const { code, stdout, stderr } = await cli(databaseUrl, [...args, '--json'], options);
  if (stdout === '') throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
