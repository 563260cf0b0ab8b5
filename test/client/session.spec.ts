import { jest } from '@jest/globals';
import { CookieCredential } from '../../client/src/cookie-credential.js';
import {
  Gatehouse,
  type GatehouseProblem,
  MemoryStore,
  NetworkError,
  StoreError,
  unwrap,
} from '../../client/src/index.js';
import type { PageStorage } from '../../client/src/page-storage.js';
import { FakeStorage } from '../support/fake-storage.js';

/** The client against a server of the test's own, so that every order of answers can be had. */
const URL = 'http://gatehouse.test';
const SESSION = { id: 's1', expiresAt: '2100-01-01T00:00:00.000Z' };

const json = (status: number, body: unknown, type = 'application/json') =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': type } });
const problem = (status: number, code: string) =>
  json(status, { code, status, title: code, detail: `about ${code}`, requestId: 'r' }, 'application/problem+json');
const offline = () => {
  throw new TypeError('fetch failed');
};
const never = ({ signal }: Request) =>
  new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
/** An answer whose body begins, and then goes on as the stream is told to. */
const begun = (go: (body: ReadableStreamDefaultController) => void) =>
  new Response(
    new ReadableStream({
      start(body) {
        body.enqueue(new TextEncoder().encode('{"id":'));
        go(body);
      },
    }),
    { headers: { 'content-type': 'application/json' } },
  );
const stalled = () => begun(() => undefined);
const cutOff = () => begun((body) => body.error(new TypeError('terminated')));

/** What a store holds, without the key beside it. */
const tokenIn = (store: MemoryStore) => store.read()?.split(' ')[0] ?? null;

type Answer = (request: Request) => Response | Promise<Response>;

/** A signed-in client, what it sends, and how the server is to answer; tokens are a1, a2, … and r1, r2, … */
async function signedIn(
  answers: Partial<Record<'me' | 'refresh' | 'login' | 'logout', Answer>> = {},
  expiresIn = 900,
  timeout?: number,
) {
  let issued = 0;
  const tokens = () => {
    issued++;
    return json(200, {
      accessToken: `a${issued}`,
      refreshToken: `r${issued}`,
      tokenType: 'Bearer',
      expiresIn,
      session: SESSION,
    });
  };
  const server: Record<'me' | 'refresh' | 'login' | 'logout', Answer> = {
    me: () => json(200, { id: 'u' }),
    refresh: tokens,
    login: tokens,
    logout: () => json(200, { message: 'Logged out successfully' }),
    ...answers,
  };
  const sent: string[] = [];
  const store = new MemoryStore();
  const gatehouse = new Gatehouse({
    baseUrl: URL,
    store,
    timeout,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const path = request.url.slice(URL.length);
      sent.push(`${path} ${request.headers.get('authorization')?.slice(7) ?? '-'}`);
      const [, name = ''] = /^\/v1\/auth\/(login|logout|refresh)$/.exec(path) ?? [];
      return (server[name as keyof typeof server] ?? server.me)(request);
    },
  });
  const events: string[] = [];
  for (const name of ['signedIn', 'signedOut', 'sessionEnded', 'renewed'] as const)
    gatehouse.session.on(name, () => events.push(name));
  await gatehouse.signIn({ email: 'ada@example.com', password: 'x' });
  sent.length = 0;
  const me = () => unwrap(gatehouse.api.GET('/v1/users/me'));
  return { gatehouse, server, sent, store, events, me, tokens };
}

const accepts =
  (...good: string[]): Answer =>
  (request) =>
    good.includes(request.headers.get('authorization')?.slice(7) ?? '')
      ? json(200, { id: 'u' })
      : problem(401, 'token_expired');

it.each(['token_expired', 'token_stale', 'invalid_token'])(
  'renews once after %s and sends the call once more',
  async (code) => {
    const { server, sent, me } = await signedIn();
    server.me = (request) =>
      request.headers.get('authorization') === 'Bearer a1' ? problem(401, code) : json(200, { id: 'u' });
    expect(await me()).toEqual({ id: 'u' });
    expect(sent).toEqual(['/v1/users/me a1', '/v1/auth/refresh -', '/v1/users/me a2']);
  },
);

it('renews once for many calls at once', async () => {
  const { sent, me } = await signedIn({ me: accepts('a2') });
  await Promise.all(Array.from({ length: 20 }, me));
  expect(sent.filter((line) => line.startsWith('/v1/auth/refresh'))).toHaveLength(1);
});

it('retries no more than once, and keeps the session', async () => {
  const { gatehouse, sent, me } = await signedIn({ me: accepts() });
  await expect(me()).rejects.toMatchObject({ code: 'token_expired' });
  expect(sent).toHaveLength(3);
  expect(gatehouse.session.status).toBe('signed-in');
});

it('renews before the end of a token, without asking for a refusal first', async () => {
  const { sent, me } = await signedIn({}, 0);
  await me();
  expect(sent).toEqual(['/v1/auth/refresh -', '/v1/users/me a2']);
});

describe('while a renewal is not answered yet', () => {
  /** A call that waits for its renewal, and what lets that be answered. */
  async function renewing() {
    const client = await signedIn({ me: accepts() });
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      client.server.refresh = () => {
        resolve();
        return new Promise<Response>((reply) => {
          answer = () => reply(client.tokens());
        });
      };
    });
    const call = client.me().catch(() => undefined);
    await asked;
    return { ...client, call, answer: () => answer() };
  }

  test.each([
    ['out', 'signed-out', null],
    ['in anew', 'signed-in', 'r3'],
  ])('a sign-%s waits for it, and has the last word', async (how, status, refreshToken) => {
    const { gatehouse, sent, store, call, answer } = await renewing();
    const done = how === 'out' ? gatehouse.signOut() : gatehouse.signIn({ email: 'ada@example.com', password: 'x' });
    await new Promise(setImmediate);
    expect(sent).toEqual(['/v1/users/me a1', '/v1/auth/refresh -']);
    answer();
    await Promise.all([call, done]);
    expect([gatehouse.session.status, tokenIn(store)]).toEqual([status, refreshToken]);
  });

  test('an app may forget the session at once, and the answer brings nothing back', async () => {
    const { gatehouse, events, store, call, answer } = await renewing();
    await gatehouse.session.signOut();
    answer();
    await call;
    expect([gatehouse.session.status, tokenIn(store), events]).toEqual(['signed-out', null, ['signedIn', 'signedOut']]);
  });
});

it('sends the body again with the second try', async () => {
  const bodies: string[] = [];
  const { gatehouse } = await signedIn({
    me: async (request) => {
      bodies.push(await request.clone().text());
      return accepts('a2')(request);
    },
  });
  await unwrap(gatehouse.api.PATCH('/v1/users/me', { body: { name: 'Ada' } }));
  expect(bodies).toEqual(['{"name":"Ada"}', '{"name":"Ada"}']);
});

describe('a session that the server has ended', () => {
  it.each(['invalid_refresh_token', 'refresh_reused', 'session_revoked', 'session_expired'])(
    'is over after %s at a refresh',
    async (code) => {
      const { gatehouse, store, events, me } = await signedIn({ me: accepts(), refresh: () => problem(401, code) });
      await expect(me()).rejects.toMatchObject({ code: 'token_expired' });
      expect([gatehouse.session.status, tokenIn(store)]).toEqual(['signed-out', null]);
      expect(events).toEqual(['signedIn', 'sessionEnded']);
    },
  );

  it('is over at once where a call hears session_revoked, and nothing is renewed', async () => {
    const { gatehouse, sent, events, me } = await signedIn({ me: () => problem(401, 'session_revoked') });
    const heard: GatehouseProblem[] = [];
    gatehouse.session.on('sessionEnded', ({ problem: reason }) => heard.push(reason));
    await Promise.allSettled([me(), me(), me()]);
    expect(sent).toHaveLength(3);
    expect(events).toEqual(['signedIn', 'sessionEnded']);
    expect(heard[0]?.message).toBe('about session_revoked');
  });

  it('is over too where only the second try hears of it', async () => {
    const { gatehouse, sent, events, me } = await signedIn({
      me: (request) =>
        problem(401, request.headers.get('authorization') === 'Bearer a1' ? 'token_stale' : 'session_revoked'),
    });
    await expect(me()).rejects.toMatchObject({ code: 'session_revoked' });
    expect(sent).toHaveLength(3);
    expect([gatehouse.session.status, events.at(-1)]).toEqual(['signed-out', 'sessionEnded']);
  });
});

describe('a network that fails signs nobody out', () => {
  it.each<[string, Answer]>([
    ['no answer', offline],
    ['an overloaded server', () => problem(503, 'overloaded')],
    ['a database that is away', () => problem(503, 'database_unavailable')],
    ['a limit', () => problem(429, 'rate_limited')],
    ['a fault', () => problem(500, 'internal_error')],
    ['a proxy with a page of its own', () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
    ['a captive portal', () => new Response('<h1>Pay here</h1>', { status: 401 })],
    ['a captive portal that says that all is well', () => new Response('<h1>Pay here</h1>')],
    ['an answer that breaks off', cutOff],
    ['an answer that never ends', stalled],
    ['an answer that never comes', never],
  ])('not %s', async (_, refresh) => {
    const { gatehouse, server, store, events, me, tokens } = await signedIn({ me: accepts('a2'), refresh }, 900, 100);
    await expect(me()).rejects.toThrow();
    expect([gatehouse.session.status, tokenIn(store)]).toEqual(['signed-in', 'r1']);
    server.refresh = tokens;
    expect(await me()).toEqual({ id: 'u' });
    expect(events).toEqual(['signedIn', 'renewed']);
  });

  it.each([
    ['no answer', offline],
    ['an answer that breaks off', cutOff],
  ])('says of %s that the network failed, and not the server', async (_, answer) => {
    const { gatehouse, me } = await signedIn({ me: answer });
    await expect(me()).rejects.toBeInstanceOf(NetworkError);
    await expect(gatehouse.session.renew('a1')).resolves.toMatchObject({ value: 'a2' });
  });

  it.each([
    ['begins', never],
    ['ends', stalled],
  ])('does not wait for ever for a sign-in whose answer never %s, nor lets others wait', async (_, login) => {
    const { gatehouse, server, me } = await signedIn({}, 0, 20);
    server.login = login;
    await expect(gatehouse.signIn({ email: 'ada@example.com', password: 'x' })).rejects.toBeInstanceOf(NetworkError);
    expect(await me()).toEqual({ id: 'u' });
  });
});

it('forgets everything on sign-out', async () => {
  const { gatehouse, sent, store, events } = await signedIn();
  await gatehouse.signOut();
  expect(sent).toEqual(['/v1/auth/logout a1']);
  expect([tokenIn(store), gatehouse.session.status, events.at(-1)]).toEqual([null, 'signed-out', 'signedOut']);
});

it.each<[string, Answer]>([
  ['a page that is not the server’s', () => new Response('<h1>Pay here</h1>')],
  ['nor its refusal', () => new Response('<h1>Pay here</h1>', { status: 403 })],
])('takes %s for a failed network', async (_, answer) => {
  const { gatehouse, me, server } = await signedIn({ me: answer, logout: answer });
  await expect(me()).rejects.toBeInstanceOf(NetworkError);
  await expect(gatehouse.signOut()).rejects.toBeInstanceOf(NetworkError);
  server.login = answer;
  await expect(gatehouse.signIn({ email: 'ada@example.com', password: 'x' })).rejects.toBeInstanceOf(NetworkError);
  expect(gatehouse.session.status).toBe('signed-in');
});

it('signs out with a fresh token where the server no longer takes the old one', async () => {
  const { gatehouse, sent } = await signedIn({ logout: accepts('a2') });
  await gatehouse.signOut();
  expect(sent).toEqual(['/v1/auth/logout a1', '/v1/auth/refresh -', '/v1/auth/logout a2']);
  expect(gatehouse.session.status).toBe('signed-out');
});

it('is signed out where the server says that the session is over already', async () => {
  const { gatehouse } = await signedIn({ logout: () => problem(401, 'session_revoked') });
  await gatehouse.signOut();
  expect(gatehouse.session.status).toBe('signed-out');
});

it('takes the tokens of any route, with a fresh token where the server wants one', async () => {
  const { gatehouse, sent, me } = await signedIn({
    me: (request) => (request.method === 'GET' ? accepts('a3')(request) : fresh(request)),
  });
  const fresh: Answer = (request) =>
    request.headers.get('authorization') === 'Bearer a1'
      ? problem(401, 'token_stale')
      : json(200, { accessToken: 'a3', refreshToken: 'r3', expiresIn: 900, session: SESSION });
  expect(await gatehouse.requestTokens('/v1/users/me/password', { currentPassword: 'x', newPassword: 'y' })).toBe(true);
  await me();
  expect(sent).toEqual([
    '/v1/users/me/password a1',
    '/v1/auth/refresh -',
    '/v1/users/me/password a2',
    '/v1/users/me a3',
  ]);
});

it('sends no token and renews nothing once signed out', async () => {
  const { gatehouse, sent, me } = await signedIn();
  await gatehouse.signOut();
  sent.length = 0;
  await me();
  expect(sent).toEqual(['/v1/users/me -']);
});

describe('a store that fails', () => {
  test('costs no session: the newest refresh token is kept, and offered to the store again', async () => {
    const { gatehouse, server, store, me, events, tokens } = await signedIn({}, 0);
    const seen: string[] = [];
    server.refresh = async (request) => {
      seen.push(((await request.json()) as { refreshToken: string }).refreshToken);
      return tokens();
    };
    const write = store.write.bind(store);
    store.write = () => {
      throw new Error('keychain locked');
    };
    expect(await me()).toEqual({ id: 'u' });
    store.write = write;
    expect(await me()).toEqual({ id: 'u' });
    expect(seen).toEqual(['r1', 'r2']);
    expect(tokenIn(store)).toBe('r3');
    expect([gatehouse.session.status, events]).toEqual(['signed-in', ['signedIn', 'renewed', 'renewed']]);
  });

  test('is said to have failed where it cannot be read, and signs nobody out', async () => {
    const { gatehouse, store, me, sent } = await signedIn({}, 0);
    const read = store.read.bind(store);
    store.read = () => {
      throw new Error('keychain locked');
    };
    await expect(me()).rejects.toBeInstanceOf(StoreError);
    expect([gatehouse.session.status, sent]).toEqual(['signed-in', []]);
    store.read = read;
    expect(await me()).toEqual({ id: 'u' });
  });

  test('keeps nothing of a session that was ended while it wrote', async () => {
    const { gatehouse, store, me } = await signedIn({}, 0);
    const write = store.write.bind(store);
    let end = () => {};
    const writing = new Promise<void>((begun) => {
      store.write = (token) => {
        begun();
        return new Promise<void>((resolve) => {
          end = () => resolve(write(token));
        });
      };
    });
    const call = me();
    await writing;
    await gatehouse.session.signOut();
    end();
    await call;
    expect([gatehouse.session.status, tokenIn(store)]).toEqual(['signed-out', null]);
  });

  test('does not keep anybody from signing out', async () => {
    const { gatehouse, store, events } = await signedIn();
    store.clear = () => {
      throw new Error('keychain locked');
    };
    await gatehouse.signOut();
    expect([gatehouse.session.status, events]).toEqual(['signed-out', ['signedIn', 'signedOut']]);
  });
});

describe('a renewal whose answer is lost', () => {
  test.each<[string, Answer]>([
    ['before it comes', never],
    ['with the connection', offline],
    ['half-way', cutOff],
    ['while it comes', stalled],
    ['in a proxy', () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
  ])('is asked for again, when it is lost %s, by the same refresh token', async (_, lost) => {
    const { server, me, tokens, store } = await signedIn({}, 0, 200);
    const seen: string[] = [];
    server.refresh = async (request) => {
      seen.push(((await request.clone().json()) as { refreshToken: string }).refreshToken);
      return seen.length === 1 ? lost(request) : tokens();
    };
    expect(await me()).toEqual({ id: 'u' });
    expect([seen, tokenIn(store)]).toEqual([['r1', 'r1'], 'r2']);
  });

  test.each([
    ['at once', offline, [0, 250, 750, 1_750, 3_750]],
    ['in silence', never, [0, 4_250]],
  ])(
    'is asked for while the server takes the former token, where each fails %s, and then no more',
    async (_, lost, tries) => {
      jest.useFakeTimers({ now: 0 });
      try {
        const at: number[] = [];
        const refresh: Answer = (request) => {
          at.push(Date.now());
          return lost(request);
        };
        const { me } = await signedIn({ refresh }, 0);
        const failed = expect(me()).rejects.toThrow(NetworkError);
        await jest.advanceTimersByTimeAsync(60_000);
        await failed;
        expect(at).toEqual(tries);
      } finally {
        jest.useRealTimers();
      }
    },
  );

  test('is not asked for again where the server has refused it for the moment', async () => {
    const { me, sent } = await signedIn({ refresh: () => problem(503, 'overloaded') }, 0);
    await expect(me()).rejects.toMatchObject({ code: 'overloaded' });
    expect(sent).toHaveLength(1);
  });
});

describe('signing in anew', () => {
  const other: Answer = () =>
    json(200, { accessToken: 'b1', refreshToken: 'rb1', expiresIn: 900, session: { ...SESSION, id: 's2' } });
  const again = { email: 'bob@example.com', password: 'x' };

  // ASVS 5.0, 7.2.4.
  test('ends the former session on the server, once there is another', async () => {
    const { gatehouse, server, sent, events } = await signedIn();
    server.login = other;
    await gatehouse.signIn(again);
    expect(sent).toEqual(['/v1/auth/login a1', '/v1/sessions/s1 a1']);
    expect([gatehouse.session.status, events]).toEqual(['signed-in', ['signedIn', 'signedIn']]);
  });

  test('leaves the former session alone where the sign-in is refused', async () => {
    const { gatehouse, server, sent, store } = await signedIn();
    server.login = () => problem(401, 'invalid_credentials');
    await expect(gatehouse.signIn(again)).rejects.toMatchObject({ code: 'invalid_credentials' });
    expect([sent, tokenIn(store)]).toEqual([['/v1/auth/login a1'], 'r1']);
  });

  test('does not fail where the end of the former session cannot be told', async () => {
    const { gatehouse, server, store } = await signedIn({ me: offline });
    server.login = other;
    await gatehouse.signIn(again);
    expect([gatehouse.session.status, tokenIn(store)]).toEqual(['signed-in', 'rb1']);
  });
});

test('a listener that throws does not fail the sign-in', async () => {
  const { gatehouse } = await signedIn();
  gatehouse.session.on('signedIn', () => {
    throw new Error('not our fault');
  });
  await gatehouse.signOut();
  await gatehouse.signIn({ email: 'ada@example.com', password: 'x' });
  expect(gatehouse.session.status).toBe('signed-in');
});

test('a slash at the end of the address does no harm, and a fault within a list is the list’s', async () => {
  const gatehouse = new Gatehouse({
    baseUrl: `${URL}/`,
    store: new MemoryStore(),
    fetch: async (input) => {
      expect(new Request(input).url).toBe(`${URL}/v1/auth/login`);
      const errors = [{ pointer: '/permissions/0', detail: 'Write an area.' }];
      return json(400, { code: 'invalid_request', status: 400, detail: 'x', errors }, 'application/problem+json');
    },
  });
  const refusal = await gatehouse.signIn({ email: 'a@example.com', password: 'x' }).catch((error) => error);
  expect((refusal as GatehouseProblem).fields).toEqual({ permissions: 'Write an area.' });
});

test('a call that is never answered fails in time, and the session goes on', async () => {
  const { gatehouse, me } = await signedIn({ me: () => new Promise<Response>(() => undefined) }, 900, 25);
  await expect(me()).rejects.toThrow(NetworkError);
  expect(gatehouse.session.status).toBe('signed-in');
});

describe('the key of a renewal', () => {
  const keyOf = (request: Request) => request.headers.get('idempotency-key') ?? '';
  const bodyOf = async (request: Request) => ((await request.json()) as { refreshToken?: string }).refreshToken;

  test('is random, kept before the request leaves, and another one for each token', async () => {
    const { server, me, store, tokens } = await signedIn({}, 0);
    const keys: string[] = [];
    server.refresh = (request) => {
      keys.push(keyOf(request));
      expect(store.read()?.split(' ')[1]).toBe(keyOf(request));
      return tokens();
    };
    for (let n = 0; n < 3; n++) await me();
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_-]{16,64}$/);
  });

  test('is the same for a request that is repeated, also by an app that was closed meanwhile', async () => {
    const asked: string[] = [];
    const { server, me, store } = await signedIn({}, 0, 100);
    server.refresh = async (request) => {
      asked.push(`${await bodyOf(request)} ${keyOf(request)}`);
      throw new TypeError('fetch failed');
    };
    await expect(me()).rejects.toThrow();
    const reopened = new Gatehouse({
      baseUrl: URL,
      store,
      fetch: async (input, init) => server.refresh(new Request(input, init)),
      timeout: 100,
    });
    await expect(reopened.session.restore()).rejects.toThrow(NetworkError);
    expect(asked.length).toBeGreaterThan(2);
    expect(new Set(asked)).toEqual(new Set([store.read()]));
  });

  test('is made for a token that a version without keys has left, and kept first', async () => {
    const store = new MemoryStore();
    store.write('r0');
    const asked: string[] = [];
    const gatehouse = new Gatehouse({
      baseUrl: URL,
      store,
      fetch: async (input, init) => {
        const request = new Request(input, init);
        asked.push(`${await bodyOf(request)} ${keyOf(request)}`);
        expect(store.read()).toBe(asked.at(-1));
        return offline();
      },
      timeout: 100,
    });
    await expect(gatehouse.session.restore()).rejects.toThrow(NetworkError);
    expect(new Set(asked).size).toBe(1);
    expect(asked[0]).toMatch(/^r0 .{16,64}$/);
  });

  test('comes without `crypto` too, as React Native is', async () => {
    const { crypto } = globalThis;
    Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true });
    try {
      const { server, me, tokens } = await signedIn({}, 0);
      const keys: string[] = [];
      server.refresh = (request) => {
        keys.push(keyOf(request));
        return tokens();
      };
      for (let n = 0; n < 3; n++) await me();
      expect(new Set(keys).size).toBe(3);
    } finally {
      Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
    }
  });

  test.each<[string, PageStorage | undefined, boolean]>([
    ['in a page, for all tabs and the next visit', new FakeStorage(), true],
    ['in a page without storage, as long as the page is open', undefined, false],
    ['in a page whose storage refuses', refusingStorage(), false],
  ])('beside a cookie is kept %s', (_, storage, isShared) => {
    const tab = new CookieCredential(URL, storage);
    const { key } = tab.read();
    expect(tab.read().key).toBe(key);
    expect(new CookieCredential(URL, storage).read().key === key).toBe(isShared);
    tab.write();
    expect(tab.read().key).not.toBe(key);
    tab.clear();
    expect(new CookieCredential(URL, storage).read().key).not.toBe(key);
  });
});

function refusingStorage(): PageStorage {
  const refuse = () => {
    throw new Error('QuotaExceededError');
  };
  return { getItem: refuse, setItem: refuse, removeItem: refuse };
}
