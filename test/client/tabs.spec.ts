import { jest } from '@jest/globals';
import { Gatehouse, unwrap } from '../../client/src/index.js';
import type { LeaseStorage } from '../../client/src/lease.js';
import { createLock } from '../../client/src/lock.js';

/** Two tabs of a browser without Web Locks: two clients that share a storage, a cookie and a channel. */
const NAME = 'gatehouse http://gatehouse.test';
const SESSION = { id: 's1', expiresAt: '2100-01-01T00:00:00.000Z' };

class FakeStorage implements LeaseStorage {
  readonly items = new Map<string, string>();
  readonly written: string[] = [];

  getItem(name: string): string | null {
    return this.items.get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    this.written.push(value);
    this.items.set(name, value);
  }

  removeItem(name: string): void {
    this.items.delete(name);
  }
}

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
  const full: LeaseStorage = {
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
  const asked: string[] = [];
  const locks = {
    request: <T>(name: string, work: () => Promise<T>) => {
      asked.push(name);
      return work();
    },
  };
  expect(await createLock({ locks, storage })(NAME, async () => 'done')).toBe('done');
  expect([asked, storage.written]).toEqual([[NAME], []]);
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
