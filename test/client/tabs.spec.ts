import { jest } from '@jest/globals';
import { Gatehouse, unwrap } from '../../client/src/index.js';
import { createLock, type Lock } from '../../client/src/lock.js';
import type { PageStorage } from '../../client/src/page-storage.js';
import { FakeLocks } from '../support/fake-locks.js';
import { FakeStorage } from '../support/fake-storage.js';

/** The tabs of a browser: clients that share a lock or the storage for one, a cookie and a channel. */
const NAME = 'gatehouse http://gatehouse.test';
const SESSION = { id: 's1', expiresAt: '2100-01-01T00:00:00.000Z' };

let storage: FakeStorage;

beforeEach(() => {
  jest.useFakeTimers();
  storage = new FakeStorage();
});

afterEach(() => {
  jest.useRealTimers();
});

/** Work that ends when it is told to, and a note of how many run at once. */
function bench() {
  const now = { running: 0, most: 0, done: 0 };
  const ends: (() => void)[] = [];
  const work = async () => {
    now.most = Math.max(now.most, ++now.running);
    await new Promise<void>((resolve) => ends.push(resolve));
    now.running--;
    now.done++;
  };
  return { now, work, end: () => ends.shift()?.() };
}

const pass = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);

it('lets one tab work at a time, however long it takes, and the next one soon after', async () => {
  const { now, work, end } = bench();
  const all = Promise.all([createLock({ storage }), createLock({ storage })].map((lock) => lock(NAME, work)));
  await pass(60_000);
  expect(now).toEqual({ running: 1, most: 1, done: 0 });
  end();
  await pass(200);
  expect(now).toEqual({ running: 1, most: 1, done: 1 });
  end();
  await all;
  expect([now.most, storage.items.size]).toEqual([1, 0]);
});

it('lets one of many tabs win that all find it free at the same moment', async () => {
  const { now, work, end } = bench();
  const tabs = Array.from({ length: 10 }, () => createLock({ storage }));
  const all = Promise.all(tabs.map((lock) => lock(NAME, work)));
  for (let n = 1; n <= 10; n++) {
    await pass(1_000);
    expect(now.running).toBe(1);
    end();
  }
  await all;
  expect(now).toEqual({ running: 0, most: 1, done: 10 });
});

it('takes over from a tab that was closed meanwhile, and not before', async () => {
  storage.setItem(NAME, JSON.stringify({ owner: 'closed', until: Date.now() + 3_000 }));
  const { now, work, end } = bench();
  const done = createLock({ storage })(NAME, work);
  await pass(2_900);
  expect(now.running).toBe(0);
  await pass(300);
  expect(now.running).toBe(1);
  end();
  await done;
});

it.each([
  ['nonsense', 'nonsense'],
  ['an end that no lease has', JSON.stringify({ owner: 'x', until: 1e15 })],
])('is not held up by %s in the storage', async (_, value) => {
  storage.setItem(NAME, value);
  const { now, work, end } = bench();
  const done = createLock({ storage })(NAME, work);
  await pass(100);
  expect(now.running).toBe(1);
  end();
  await done;
});

it('leaves alone a lease that another tab has taken from it', async () => {
  const { work, end } = bench();
  const done = createLock({ storage })(NAME, work);
  await pass(100);
  const taken = JSON.stringify({ owner: 'another', until: Date.now() + 3_000 });
  storage.setItem(NAME, taken);
  await pass(1_500);
  end();
  await done;
  expect(storage.getItem(NAME)).toBe(taken);
});

it('works where the storage is full or forbidden, and gives up the lease where the work fails', async () => {
  const full: PageStorage = {
    getItem: () => null,
    setItem: () => {
      throw new Error('QuotaExceededError');
    },
    removeItem: () => undefined,
  };
  expect(await createLock({ storage: full })(NAME, async () => 'done')).toBe('done');
  const failing = createLock({ storage })(NAME, () => Promise.reject(new Error('broken')));
  const failed = expect(failing).rejects.toThrow('broken');
  await pass(100);
  await failed;
  expect(storage.items.size).toBe(0);
});

it('takes Web Locks where there are some, and then no storage', async () => {
  const locks = new FakeLocks();
  expect(await createLock({ locks: locks.of('a'), storage })(NAME, async () => 'done')).toBe('done');
  expect([locks.asked, storage.written]).toEqual([[NAME], []]);
});

it('renews one request at a time for two clients, and keeps no token in the storage', async () => {
  jest.useRealTimers();
  Object.assign(globalThis, { document: {} });
  const server = { open: 0, most: 0, issued: 0 };
  const answer = async (input: RequestInfo | URL, init?: RequestInit) => {
    if (!new Request(input, init).url.endsWith('/v1/auth/refresh')) return Response.json({ id: 'u' });
    server.most = Math.max(server.most, ++server.open);
    await new Promise((resolve) => setTimeout(resolve, 20));
    server.open--;
    return Response.json({ accessToken: `eyJ${++server.issued}`, expiresIn: 900, session: SESSION });
  };
  const tabs = [1, 2].map(
    () => new Gatehouse({ baseUrl: 'http://gatehouse.test', fetch: answer, lock: createLock({ storage }) }),
  );
  try {
    await Promise.all(tabs.map((tab) => unwrap(tab.api.GET('/v1/users/me'))));
    expect(server).toMatchObject({ open: 0, most: 1 });
    expect(tabs.map(({ session }) => session.status)).toEqual(['signed-in', 'signed-in']);
    expect(storage.written.length).toBeGreaterThan(0);
    expect(storage.written.join()).not.toContain('eyJ');
  } finally {
    for (const tab of tabs) tab.session.close();
    Reflect.deleteProperty(globalThis, 'document');
  }
});

/** A channel that has delivered whatever was said on it by the next turn of the loop. */
class FakeChannel {
  private static readonly open = new Set<FakeChannel>();
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor() {
    FakeChannel.open.add(this);
  }

  postMessage(data: unknown): void {
    for (const channel of FakeChannel.open) if (channel !== this) queueMicrotask(() => channel.onmessage?.({ data }));
  }

  close(): void {
    FakeChannel.open.delete(this);
  }
}

/** A server with one account, and a browser whose one cookie every answer replaces, however late it comes. */
class FakeBrowser {
  readonly tabs: Gatehouse[] = [];
  readonly sent: string[] = [];
  /** What keeps the answers to renewals back. */
  delay: Promise<void> = Promise.resolve();
  private cookie: string | null = null;
  private good: string | null = null;
  private issued = 0;
  private sessions = 0;

  open(lock: Lock): Gatehouse {
    const tab = new Gatehouse({
      baseUrl: 'http://gatehouse.test',
      fetch: (input, init) => this.fetch(input, init),
      lock,
    });
    this.tabs.push(tab);
    return tab;
  }

  get statuses(): string[] {
    return this.tabs.map(({ session }) => session.status);
  }

  private async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const path = new URL(new Request(input, init).url).pathname;
    this.sent.push(path);
    if (path === '/v1/auth/refresh') {
      const isGood = this.cookie !== null && this.cookie === this.good;
      const answer = isGood ? this.tokens() : { cookie: null, response: refused() };
      await this.delay;
      return this.receive(answer);
    }
    if (path !== '/v1/auth/logout') {
      this.sessions++;
      return this.receive(this.tokens());
    }
    this.good = null;
    return this.receive({ cookie: null, response: Response.json({}) });
  }

  private tokens() {
    this.good = `r${++this.issued}`;
    const session = { ...SESSION, id: `s${this.sessions}` };
    const body = { accessToken: `a${this.issued}`, expiresIn: 900, session };
    return { cookie: this.good, response: Response.json(body) };
  }

  private receive({ cookie, response }: { cookie: string | null; response: Response }): Response {
    this.cookie = cookie;
    return response;
  }
}

const refused = () =>
  Response.json(
    { code: 'session_revoked', status: 401 },
    { status: 401, headers: { 'content-type': 'application/problem+json' } },
  );

describe('while one tab finds its session from before', () => {
  const ADA = { email: 'ada@example.com', password: 'x' };
  const turn = () => new Promise(setImmediate);
  const unlocked: Lock = (_, work) => work();
  let browser: FakeBrowser;
  let answer: () => void;
  const { BroadcastChannel } = globalThis;

  beforeEach(() => {
    jest.useRealTimers();
    Object.assign(globalThis, { document: {}, BroadcastChannel: FakeChannel });
    browser = new FakeBrowser();
  });

  afterEach(() => {
    for (const tab of browser.tabs) tab.session.close();
    Object.assign(globalThis, { BroadcastChannel });
    Reflect.deleteProperty(globalThis, 'document');
  });

  /** A tab that is signed in, and one opened since whose renewal is kept waiting for its answer. */
  async function open(lock: Lock) {
    const first = browser.open(lock);
    await first.signIn(ADA);
    browser.delay = new Promise((resolve) => {
      answer = resolve;
    });
    const second = browser.open(lock);
    const restored = second.session.restore();
    await turn();
    browser.sent.length = 0;
    return { first, restored };
  }

  it.each<[string, (tab: Gatehouse) => Promise<unknown>]>([
    [
      'changes the password',
      (tab) => tab.requestTokens('/v1/users/me/password', { currentPassword: 'x', newPassword: 'y' }),
    ],
    ['signs in anew', (tab) => tab.signIn(ADA)],
    ['signs out and in again', (tab) => tab.signOut().then(() => tab.signIn(ADA))],
  ])('another one that %s waits, so that no late answer replaces its cookie', async (_, change) => {
    const lock = createLock({});
    const { first, restored } = await open(lock);
    const changed = change(first);
    await turn();
    expect(browser.sent).toEqual([]);
    answer();
    await Promise.all([restored, changed]);
    await turn();
    expect(await browser.open(lock).session.restore()).toBe('signed-in');
    expect(browser.statuses).toEqual(['signed-in', 'signed-in', 'signed-in']);
  });

  it('another one that signs out waits, and then all are signed out', async () => {
    const lock = createLock({});
    const { first, restored } = await open(lock);
    const done = first.signOut();
    answer();
    await Promise.all([restored, done]);
    await turn();
    expect(await browser.open(lock).session.restore()).toBe('signed-out');
    expect(browser.statuses).toEqual(['signed-out', 'signed-out', 'signed-out']);
  });

  it('one that was suspended meanwhile brings back no session that was signed out of, but a later one', async () => {
    const first = browser.open(unlocked);
    await first.signIn(ADA);
    const told = { value: 'a1', sessionId: 's1', renewAt: Date.now() + 60_000 };
    const suspended = new FakeChannel();
    await first.signOut();
    suspended.postMessage({ type: 'tokens', token: told });
    await turn();
    expect(first.session.status).toBe('signed-out');
    suspended.postMessage({ type: 'tokens', token: { ...told, sessionId: 's2' } });
    await turn();
    expect(first.session.status).toBe('signed-in');
    suspended.close();
  });

  it('a sign-out is not undone by the late answer, not even where there is no lock', async () => {
    const { first, restored } = await open(unlocked);
    await first.signOut();
    await turn();
    expect(browser.statuses).toEqual(['signed-out', 'signed-out']);
    answer();
    expect(await restored).toBe('signed-out');
    await turn();
    expect(browser.statuses).toEqual(['signed-out', 'signed-out']);
  });

  it('a sign-in is not undone by the late refusal, not even where there is no lock', async () => {
    const { first, restored } = await open(unlocked);
    await first.signOut();
    const late = browser.open(unlocked).session.restore();
    await first.signIn(ADA);
    await turn();
    answer();
    await Promise.all([restored, late]);
    expect(browser.statuses).toEqual(['signed-in', 'signed-in', 'signed-in']);
  });
});
