import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/** The APP_SECRET of every server under test, unless a test says otherwise. */
export const APP_SECRET = 'only-for-tests-0123456789-abcdefghijklmnop';

/** Settings that make tests quick; nothing here weakens a check. */
const QUICK = {
  NODE_ENV: 'test',
  PORT: '0',
  HOST: '127.0.0.1',
  PUBLIC_URL: 'http://gatehouse.test',
  BCRYPT_COST: '4',
  RATE_LIMITS: 'off',
  LOG_LEVEL: 'warn',
  LOG_FORMAT: 'json',
  APP_SECRET,
};

export interface Answer<Body = Record<string, never>> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

export interface CallOptions {
  body?: unknown;
  token?: string;
  headers?: Record<string, string>;
}

/** A Gatehouse process under test. */
export class Gatehouse {
  output = '';
  url = '';
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  private constructor(
    readonly process: ChildProcess,
    private readonly dataDir: string,
  ) {
    process.stdout?.on('data', (chunk) => (this.output += chunk));
    process.stderr?.on('data', (chunk) => (this.output += chunk));
    this.exited = new Promise((resolve) => process.once('exit', (code, signal) => resolve({ code, signal })));
  }

  /** Starts the built server and waits until it serves. `env` overrides QUICK; undefined removes a setting. */
  static async start(env: Record<string, string | undefined>): Promise<Gatehouse> {
    const gatehouse = Gatehouse.launch(env);
    await gatehouse.serving();
    return gatehouse;
  }

  /** Starts the built server without waiting, for tests of what happens before it serves. */
  static launch(env: Record<string, string | undefined>): Gatehouse {
    const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-data-'));
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [MAIN], {
      env: { PATH, HOME, DATA_DIR: dataDir, ...QUICK, ...env } as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Gatehouse(child, dataDir);
  }

  /** Resolves once the server has said its address; throws with its output if it ends before. */
  async serving(): Promise<void> {
    const address = /serves on (http:\S+)/;
    const heard = new Promise<string>((resolve) => {
      const listen = () => {
        const url = address.exec(this.output)?.[1];
        if (url) resolve(url);
      };
      this.process.stdout?.on('data', listen);
      listen();
    });
    const failed = this.exited.then(({ code }) => {
      throw new Error(`Gatehouse ended with ${code}:\n${this.output}`);
    });
    this.url = await Promise.race([heard, failed]);
  }

  /** Sends one request and reads the answer, JSON or not. */
  async call<Body = Record<string, never>>(
    method: string,
    path: string,
    { body, token, headers }: CallOptions = {},
  ): Promise<Answer<Body>> {
    const response = await fetch(this.url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: typeof body === 'string' || body === undefined ? (body as string | undefined) : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson && text !== '' ? JSON.parse(text) : {}) as Body,
    };
  }

  /** Stops the process in order and removes its folder. */
  async stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.process.kill('SIGTERM');
    const ended = await this.exited;
    rmSync(this.dataDir, { recursive: true, force: true });
    return ended;
  }

  /** Kills the process as a crash would. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
