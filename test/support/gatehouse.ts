import type { ChildProcess } from 'node:child_process';
import { setting, type TestDatabase, testDatabaseAt } from './database.js';
import { undocumented } from './document.js';
import { addressOf, settingsOf, spawnServer } from './server.js';

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

  /** Sends one request and reads the answer, JSON or not. Throws where that is not as the served document says. */
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
    const faults = undocumented({ method, path, sent: body, status: response.status, headers: response.headers, text });
    if (faults.length > 0) throw new Error(`Not in the document: ${method} ${path} ${faults.join('; ')}: ${text}`);
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson && text !== '' ? JSON.parse(text) : {}) as Body,
    };
  }
}

/** A server under test, beside others in a process that has loaded it before. */
export class Gatehouse extends Api {
  private constructor(
    url: string,
    private readonly handle: string,
    private readonly removeFolder: () => void,
  ) {
    super(url);
  }

  /** Starts the built server. `env` overrides QUICK; undefined removes a setting. Throws with the reason where it fails. */
  static async start(env: Record<string, string | undefined>): Promise<Gatehouse> {
    const { settings, removeFolder } = settingsOf(env);
    const response = await fetch(hostUrl(), { method: 'POST', body: JSON.stringify(settings) });
    if (!response.ok) throw new Error(`Gatehouse did not start: ${await response.text()}`);
    const { url, path } = (await response.json()) as { url: string; path: string };
    return new Gatehouse(url, hostUrl() + path, removeFolder);
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

  /** Stops it in order and removes its folder. */
  async stop(): Promise<void> {
    await fetch(this.handle, { method: 'DELETE' });
    this.removeFolder();
  }
}

/** Every worker of Jest has a host, as long as there is one for each. */
function hostUrl(): string {
  const urls = setting('TEST_HOST_URLS').split(' ');
  return urls[(Number(process.env.JEST_WORKER_ID) - 1) % urls.length] ?? '';
}

/** A server under test that is a process: for tests of what it says, of signals and kills, of its load and its time. */
export class GatehouseProcess extends Api {
  output = '';
  private readonly address: Promise<string>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  private constructor(
    readonly process: ChildProcess,
    private readonly removeFolder: () => void,
  ) {
    super();
    this.address = addressOf(process);
    // A test that launches without waiting asks how it ended, not where it serves.
    this.address.catch(() => undefined);
    process.stdout?.on('data', (chunk) => (this.output += chunk));
    process.stderr?.on('data', (chunk) => (this.output += chunk));
    // Not 'exit', after which there may be more to read of what it said.
    this.exited = new Promise((resolve) => process.once('close', (code, signal) => resolve({ code, signal })));
  }

  /** Starts the built server and waits until it serves. `env` overrides QUICK; undefined removes a setting. */
  static async start(env: Record<string, string | undefined>): Promise<GatehouseProcess> {
    const gatehouse = GatehouseProcess.launch(env);
    await gatehouse.serving();
    return gatehouse;
  }

  /** Starts the built server without waiting, for tests of what happens before it serves. */
  static launch(env: Record<string, string | undefined>): GatehouseProcess {
    const { child, removeFolder } = spawnServer(env);
    return new GatehouseProcess(child, removeFolder);
  }

  /** Resolves once the server has said its address; throws with its output if it ends before. */
  async serving(): Promise<void> {
    this.url = await this.address;
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
