import { readFileSync } from 'node:fs';
import { Controller, Get, Module } from '@nestjs/common';
import { RateLimit } from '../src/access/route-access.js';
import { routesOf } from '../src/access/route-manifest.js';
import { ROUTE_LIMITS } from '../src/platform/rate-limiting/route-limits.js';
import { makeRole, withRoles } from './support/admins.js';
import { cli } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { PASSWORD, type Problem, type SignedUp, signUp } from './support/users.js';

/** Who may call what: every route, as every kind of caller, on own and on foreign objects. */
interface Route {
  method: string;
  path: string;
  /** In words. */
  access: string;
  /** The name of its own limit; empty where the common one holds. */
  limit: string;
}

/** What docs/routes.txt says a route asks. It is committed, so a route that appears or loosens has to be stated there. */
const STATED = readFileSync(new URL('../docs/routes.txt', import.meta.url), 'utf8');
const ROUTES: Route[] = STATED.trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [method = '', path = '', access = '', limit = ''] = line.split(/\s+(?=[/])|\s{2,}/);
    return { method, path, access, limit };
  });
/** Those that ask for a permission. */
const PERMITTED = ROUTES.filter(({ access }) => access.startsWith('permission '));

/** A body that every route with a body accepts as far as its schema goes, so that it is not the schema that refuses. */
const BODIES: Record<string, unknown> = {
  'POST /v1/auth/register': { email: 'matrix@example.com', password: 'x' },
  'POST /v1/auth/login': { email: 'nobody@example.com', password: 'x' },
  'POST /v1/auth/refresh': { refreshToken: 'x' },
  'POST /v1/users': { email: 'not-made@example.com', roles: ['no-such-role'] },
  'PATCH /v1/users/me': {},
  'PATCH /v1/users/:id': {},
  'PUT /v1/users/:id/roles': { roles: ['no-such-role'] },
  'PUT /v1/roles/:name': { permissions: ['not a permission'] },
};

/** An object of each kind of path that is nobody's. */
const NOBODYS: Record<string, string> = { ':id': '01890000-0000-7000-8000-000000000000', ':name': 'no-such-role' };

let database: TestDatabase;
let gatehouse: Gatehouse;
const callers = new Map<string, SignedUp>();

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  callers.set('user', await signUp(gatehouse));
  callers.set('no role', await withRoles(gatehouse, database));
  callers.set('admin', await withRoles(gatehouse, database, 'admin'));
  for (const permission of new Set(PERMITTED.map(permissionOf))) {
    const role = permission.replace(':', '-');
    await makeRole(database, role, permission);
    callers.set(permission, await withRoles(gatehouse, database, role));
  }
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

function permissionOf({ access }: Route): string {
  return access.replace('permission ', '');
}

/** Whether the caller may pass, by what is committed and not by what the code declares. */
function isStatedFor(caller: string, { access }: Route): boolean {
  if (access.startsWith('anybody') || caller === 'admin') return access !== 'closed';
  if (access === 'signed in') return caller !== 'anonymous';
  return access === `permission ${caller}`;
}

test('docs/routes.txt is what the code declares; renew it with: npm run --silent cli -- routes > docs/routes.txt', async () => {
  const { stdout } = await cli(database.url, ['routes']);
  expect(stdout).toBe(STATED);
  expect(ROUTES.filter(({ access }) => !/^(anybody|signed in|permission [a-z:]+$)/.test(access))).toEqual([]);
});

test('a handler that a controller inherits is a route like any other, and closed where it says nothing', () => {
  class Base {
    @Get('inherited')
    read() {}
  }
  @Controller('v1/heirs')
  class Heir extends Base {}
  @Module({ controllers: [Heir] })
  class Root {}
  expect(routesOf(Root)).toEqual([{ method: 'GET', path: '/v1/heirs/inherited', access: null, limit: null }]);
});

test('a limit stands on the handler, and no other can be named than there is', () => {
  @Controller('v1/doors')
  class Doors {
    @RateLimit('sign-in')
    @Get('limited')
    limited() {}
    // @ts-expect-error: there is no such limit
    @RateLimit('sing-in')
    @Get('misspelt')
    misspelt() {}
    @Get('common')
    common() {}
  }
  // @ts-expect-error: Fastify reads it from the handler alone
  @RateLimit('sign-in')
  class Whole {}
  @Module({ controllers: [Doors, Whole] })
  class Root {}
  const limits = routesOf(Root).map(({ path, limit }) => [path, limit]);
  expect(limits).toEqual([
    ['/v1/doors/common', null],
    ['/v1/doors/limited', 'sign-in'],
    ['/v1/doors/misspelt', 'sing-in'],
  ]);
});

test('every limit there is has a route, and docs/routes.txt says which', () => {
  const named = ROUTES.flatMap(({ limit }) => (limit === '' ? [] : [limit]));
  expect([...new Set(named)].sort()).toEqual(Object.keys(ROUTE_LIMITS).sort());
});

test('every route answers 401 or 403 to everybody but those it is stated for', async () => {
  const wrong: string[] = [];
  for (const route of ROUTES) {
    for (const caller of ['anonymous', ...callers.keys()]) {
      // Ending its own session would end the test of everything after it.
      if (route.path.startsWith('/v1/auth/logout') && caller !== 'anonymous') continue;
      const path = route.path.replace(/:\w+/g, (name) => NOBODYS[name] ?? name);
      const body = BODIES[`${route.method} ${route.path}`];
      const token = callers.get(caller)?.accessToken;
      const answer = await gatehouse.call<Problem>(route.method, path, { body, token });
      const refused = ['unauthorized', 'forbidden'].includes(answer.body.code);
      if (refused === isStatedFor(caller, route) && !(route.path === '/v1/auth/logout' && refused)) {
        wrong.push(`${route.method} ${route.path} as ${caller}: ${answer.status} ${answer.text.slice(0, 80)}`);
      }
      if (answer.status >= 500) wrong.push(`${route.method} ${route.path} as ${caller}: ${answer.status}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('another person’s object is 404 to somebody without rights over it, on every route, and stays as it was', async () => {
  const [owner, other] = [await signUp(gatehouse), await signUp(gatehouse)];
  const own = ROUTES.filter(({ access, path }) => access === 'signed in' && path.includes(':id'));
  expect(own.map(({ method, path }) => `${method} ${path}`)).toEqual(['DELETE /v1/sessions/:id']);
  for (const { method, path } of own) {
    const answer = await gatehouse.call<Problem>(method, path.replace(':id', owner.session.id), {
      token: other.accessToken,
    });
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  }
  expect((await gatehouse.call('GET', '/v1/users/me', { token: owner.accessToken })).status).toBe(200);
});

/** Whose the object is, or what the role is, beside a caller who has the route's permission and posts:write. */
const OBJECTS = ['lesser', 'equal', 'named', 'more', 'admin', 'own'] as const;
const READ = { lesser: 200, equal: 200, named: 200, more: 200, admin: 200, own: 200 };
const WRITTEN = { ...READ, named: 403, more: 403, admin: 403 };
const REMOVED = { ...WRITTEN, lesser: 204, equal: 204, own: 204 };

/** What a caller with the permission gets. A route that is not here fails: somebody has to say whom it is about. */
const EXPECTED: Record<string, Record<(typeof OBJECTS)[number], number>> = {
  'GET /v1/users/:id': READ,
  'PATCH /v1/users/:id': WRITTEN,
  'DELETE /v1/users/:id': REMOVED,
  'PUT /v1/users/:id/roles': WRITTEN,
  'GET /v1/users/:id/sessions': READ,
  'DELETE /v1/users/:id/sessions': WRITTEN,
  'PUT /v1/roles/:name': { ...WRITTEN, admin: 409 },
  'DELETE /v1/roles/:name': { ...REMOVED, admin: 409 },
};
const CHANGES: Record<string, unknown> = {
  'PATCH /v1/users/:id': { name: 'Changed' },
  'PUT /v1/users/:id/roles': { roles: [] },
  'PUT /v1/roles/:name': { permissions: [] },
};

/** All that is known of a user and of a role, to see that it stays as it was. */
const STATE = `
  SELECT to_jsonb(u) AS user, ARRAY(SELECT role FROM user_roles WHERE user_id = u.id ORDER BY 1) AS roles,
    (SELECT count(*) FROM sessions WHERE user_id = u.id AND revoked_at IS NULL) AS sessions,
    (SELECT to_jsonb(r) FROM roles r WHERE name = $2) AS role
  FROM users u WHERE id = $1`;

describe('whose object it is decides, on every route with a permission and an object (ASVS 5.0, 8.2.2)', () => {
  test.each(PERMITTED.filter(({ path }) => path.includes(':')))('$method $path', async (route) => {
    const key = `${route.method} ${route.path}`;
    const permission = permissionOf(route);
    const permissions = {
      lesser: ['posts:write'],
      equal: [permission, 'posts:write'],
      named: [],
      more: ['audit:read'],
    };
    const prefix = `m${PERMITTED.indexOf(route)}-`;
    for (const [name, held] of Object.entries({ ...permissions, own: permissions.equal }))
      await makeRole(database, prefix + name, ...held);
    const caller = await withRoles(gatehouse, database, `${prefix}own`);
    const answers: Record<string, number> = {};
    for (const object of OBJECTS) {
      const name = object === 'admin' ? 'admin' : prefix + object;
      const { user } = object === 'own' ? caller : await withRoles(gatehouse, database, name);
      const before = await database.query(STATE, [user.id, name]);
      const path = route.path.replace(':id', user.id).replace(':name', name);
      const { status } = await gatehouse.call(route.method, path, { body: CHANGES[key], token: caller.accessToken });
      answers[object] = status;
      const same = JSON.stringify(await database.query(STATE, [user.id, name])) === JSON.stringify(before);
      expect([object, same]).toEqual([object, status >= 400 || route.method === 'GET']);
    }
    expect(answers).toEqual(EXPECTED[key]);
  });
});

test.each([
  ['GET', ''],
  ['PATCH', ''],
  ['DELETE', ''],
  ['PUT', '/roles'],
  ['GET', '/sessions'],
  ['DELETE', '/sessions'],
])('%s /v1/users/:id%s of nobody, and of no id at all, is 404 to an admin', async (method, rest) => {
  const token = callers.get('admin')?.accessToken;
  const body = { PATCH: { name: 'x' }, PUT: { roles: ['user'] } }[method];
  for (const id of [NOBODYS[':id'], 'nobody', '%27', `${NOBODYS[':id']}0`]) {
    const answer = await gatehouse.call<Problem>(method, `/v1/users/${id}${rest}`, { body, token });
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  }
});

test.each(['id', 'emailVerified', 'createdAt', 'passwordHash', 'ver', 'isAdmin', '__proto__x', 'roles', 'password'])(
  'the field %s of a user cannot be written',
  async (field) => {
    const { user } = callers.get('user')!;
    const admin = callers.get('admin')!;
    const body = { [field]: PASSWORD };
    const byAdmin = await gatehouse.call<Problem>('PATCH', `/v1/users/${user.id}`, { body, token: admin.accessToken });
    expect([byAdmin.status, byAdmin.body.errors?.[0]?.pointer]).toEqual([400, `/${field}`]);
    const own = await gatehouse.call<Problem>('PATCH', '/v1/users/me', {
      body,
      token: callers.get('user')!.accessToken,
    });
    expect([own.status, own.body.errors?.[0]?.pointer]).toEqual([400, `/${field}`]);
  },
);

test('no list or object shows a hash, a token or anything of the kind', async () => {
  const token = callers.get('admin')!.accessToken;
  const { user } = callers.get('user')!;
  for (const path of ['/v1/users', `/v1/users/${user.id}`, `/v1/users/${user.id}/sessions`, '/v1/audit', '/v1/roles']) {
    const { status, text } = await gatehouse.call('GET', path, { token });
    expect(status).toBe(200);
    expect(text).not.toMatch(/hash|secret|\$2[aby]\$|password_|search_text|grt_|eyJ/i);
  }
});
