import { Gatehouse, type GatehouseProblem, MemoryStore, NetworkError, unwrap } from '../../client/src/index.js';

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

type Answer = (request: Request) => Response | Promise<Response>;

/** A signed-in client, what it sends, and how the server is to answer; tokens are a1, a2, … and r1, r2, … */
async function signedIn(
  answers: Partial<Record<'me' | 'refresh' | 'login' | 'logout', Answer>> = {},
  expiresIn = 900,
  patience?: number,
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
    patience,
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

it.each(['token_expired', 'token_stale'])('renews once after %s and sends the call once more', async (code) => {
  const { server, sent, me } = await signedIn();
  server.me = (request) =>
    request.headers.get('authorization') === 'Bearer a1' ? problem(401, code) : json(200, { id: 'u' });
  expect(await me()).toEqual({ id: 'u' });
  expect(sent).toEqual(['/v1/users/me a1', '/v1/auth/refresh -', '/v1/users/me a2']);
});

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

it.each([
  ['out', 'signed-out', null],
  ['in anew', 'signed-in', 'r2'],
])('leaves it at that where somebody signs %s while it is renewed', async (how, status, refreshToken) => {
  const { gatehouse, server, store, me, tokens } = await signedIn({ me: accepts() });
  let answer = () => {};
  const asked = new Promise<void>((resolve) => {
    server.refresh = () => {
      resolve();
      return new Promise<Response>((reply) => {
        answer = () => reply(tokens());
      });
    };
  });
  const call = me().catch(() => undefined);
  await asked;
  if (how === 'out') await gatehouse.signOut();
  else await gatehouse.signIn({ email: 'ada@example.com', password: 'x' });
  answer();
  await call;
  expect([gatehouse.session.status, store.read()]).toEqual([status, refreshToken]);
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
      expect([gatehouse.session.status, store.read()]).toEqual(['signed-out', null]);
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
  ])('not %s', async (_, refresh) => {
    const { gatehouse, server, store, events, me, tokens } = await signedIn({ me: accepts('a2'), refresh });
    await expect(me()).rejects.toThrow();
    expect([gatehouse.session.status, store.read()]).toEqual(['signed-in', 'r1']);
    server.refresh = tokens;
    expect(await me()).toEqual({ id: 'u' });
    expect(events).toEqual(['signedIn', 'renewed']);
  });

  it('says that the network failed, and not the server', async () => {
    const { gatehouse, me } = await signedIn({ me: offline });
    await expect(me()).rejects.toBeInstanceOf(NetworkError);
    await expect(gatehouse.session.renew('a1')).resolves.toMatchObject({ value: 'a2' });
  });
});

it('forgets everything on sign-out', async () => {
  const { gatehouse, sent, store, events } = await signedIn();
  await gatehouse.signOut();
  expect(sent).toEqual(['/v1/auth/logout a1']);
  expect([store.read(), gatehouse.session.status, events.at(-1)]).toEqual([null, 'signed-out', 'signedOut']);
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
  expect(await gatehouse.post('/v1/users/me/password', { newPassword: 'y' })).toBe(true);
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
    expect(store.read()).toBe('r3');
    expect([gatehouse.session.status, events]).toEqual(['signed-in', ['signedIn', 'renewed', 'renewed']]);
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

describe('a renewal that is never answered', () => {
  const never = ({ signal }: Request) =>
    new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

  test('is asked for once more', async () => {
    const { server, me, sent, tokens } = await signedIn({}, 0, 20);
    let asked = 0;
    server.refresh = (request) => (++asked === 1 ? never(request) : tokens());
    expect(await me()).toEqual({ id: 'u' });
    expect(sent).toEqual(['/v1/auth/refresh -', '/v1/auth/refresh -', '/v1/users/me a2']);
  });

  test('is a network that failed, and signs nobody out', async () => {
    const { gatehouse, me, events } = await signedIn({ refresh: never }, 0, 20);
    await expect(me()).rejects.toThrow(NetworkError);
    expect([gatehouse.session.status, events]).toEqual(['signed-in', ['signedIn']]);
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
