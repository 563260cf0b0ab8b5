import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { APP_SECRET } from './server.js';

export const CLI = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const HOST = fileURLToPath(new URL('./cli-host.js', import.meta.url));

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface CliOptions {
  input?: string;
  env?: Record<string, string>;
}

/** The environment of a command under test. */
export function cliEnv(databaseUrl: string): Record<string, string | undefined> {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, DATA_DIR: tmpdir(), DATABASE_URL: databaseUrl, BCRYPT_COST: '4', APP_SECRET };
}

/** Runs a command of the built CLI against a database, in a process of its own. */
export function cli(
  databaseUrl: string,
  args: string[],
  { input = '', env = {} }: CliOptions = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [CLI, ...args], { env: { ...cliEnv(databaseUrl), ...env } });
  const result: CliResult = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (result.stdout += chunk));
  child.stderr.on('data', (chunk) => (result.stderr += chunk));
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ ...result, code })));
}

/** As cli, and reads what it printed as JSON. */
export async function cliJson<T>(databaseUrl: string, args: string[], options?: CliOptions): Promise<T> {
  return jsonOf<T>(args, await cli(databaseUrl, [...args, '--json'], options));
}

/**
 * Runs commands of the built CLI one after another in one process: most of what a command costs is to load the
 * application. That a process ends, and with which code, is for `cli` to show.
 */
export class CliHost {
  private readonly child: ChildProcess = fork(HOST, { env: {} });

  constructor(private readonly databaseUrl: string) {}

  async run(args: string[], { input = '', env = {} }: CliOptions = {}): Promise<CliResult> {
    const answer = once(this.child, 'message');
    this.child.send({ args, input, env: { ...cliEnv(this.databaseUrl), ...env } });
    const [result] = await answer;
    return result as CliResult;
  }

  /** As run, and reads what was printed as JSON. */
  async json<T>(args: string[], options?: CliOptions): Promise<T> {
    return jsonOf<T>(args, await this.run([...args, '--json'], options));
  }

  async stop(): Promise<void> {
    this.child.kill();
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }
}

function jsonOf<T>(args: string[], { code, stdout, stderr }: CliResult): T {
  if (stdout === '') throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
