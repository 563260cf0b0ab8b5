import type { ChildProcess } from 'node:child_process';
import { setting, type TestDatabase, testDatabaseAt } from './database.js';
import { addressIn, spawnServer } from './server.js';

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

/** The API at an address. */
export class Api {
  constructor(public url = '') {}

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
}

/** A Gatehouse process under test. */
export class Gatehouse extends Api {
  output = '';
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  private constructor(
    readonly process: ChildProcess,
    private readonly removeFolder: () => void,
  ) {
    super();
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
    const { child, removeFolder } = spawnServer(env);
    return new Gatehouse(child, removeFolder);
  }

  /**
   * The server of the whole run and its database, for tests that neither count what they did not make, nor read what
   * the server logs, nor change what it is for others.
   */
  static shared(): { gatehouse: Api; database: TestDatabase } {
    return {
      gatehouse: new Api(setting('TEST_SHARED_URL')),
      database: testDatabaseAt(setting('TEST_SHARED_DATABASE_URL')),
    };
  }

  /** Resolves once the server has said its address; throws with its output if it ends before. */
  async serving(): Promise<void> {
    const heard = new Promise<string>((resolve) => {
      const listen = () => {
        const url = addressIn(this.output);
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

  /** Stops the process in order and removes its folder. */
  async stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.process.kill('SIGTERM');
    const ended = await this.exited;
    this.removeFolder();
    return ended;
  }

  /** Kills the process as a crash would. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
    this.removeFolder();
  }
}
