import { generateKeyPairSync } from 'node:crypto';
import { Controller, Get, Global, Module, type Type } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { FastifyRequest } from 'fastify';
import { pino } from 'pino';
import { CurrentUser, type Principal } from '../access/principal.js';
import { OptionallySignedIn, Public, Roles, SignedIn } from '../access/route-access.js';
import { Audit } from '../audit/audit.service.js';
import { Clock } from '../platform/common/clock.js';
import { newId } from '../platform/common/id.js';
import { loadConfig } from '../platform/config/config.js';
import { ConfigModule } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import type { ApplyChange } from '../platform/database/feed/change-feed.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { LINK_NAME } from '../platform/database/feed/link-name.js';
import { Pulse } from '../platform/database/feed/pulse.js';
import { ErrorFilter } from '../platform/http/error.filter.js';
import { RetentionJob } from '../platform/jobs/retention-job.js';
import { Revocations } from '../revocation/revocations.service.js';
import { AccessTokens } from '../tokens/access-tokens.service.js';
import { SigningKeys } from '../tokens/signing-keys.service.js';
import { GuardsModule } from './guards.module.js';
import { SessionTokenAuthenticator } from './session-token.authenticator.js';

/** Routes of every kind, among them one whose author forgot the access rule. */
@Controller('forgotten')
class Forgotten {
  @Get()
  read() {
    return 'read';
  }
  @Get('public')
  @Public()
  open() {
    return 'read';
  }
}

@SignedIn()
@Controller('kept')
class Kept {
  @Get()
  read(@CurrentUser() { userId }: Principal) {
    return userId;
  }
  @Roles('admin', 'auditor')
  @Get('roles')
  roles() {
    return 'read';
  }
  @OptionallySignedIn()
  @Get('optional')
  optional(@CurrentUser() user?: Principal) {
    return user ? 'known' : 'unknown';
  }
}

@Roles('admin')
@Controller('admins')
class Admins {
  @Get()
  read() {
    return 'read';
  }
  @SignedIn()
  @Get('loose')
  loose() {
    return 'read';
  }
}

/** What takes the changes of a kind. */
const applied = new Map<string, ApplyChange>();

/** The link to the database is whole, and nobody is revoked. */
const feed = {
  lagMs: 0,
  isSynchronized: true,
  on: (kind: string, apply: ApplyChange) => void applied.set(kind, apply),
  onSetBack: () => undefined,
  onResync: () => undefined,
};

@Global()
@Module({
  providers: [
    Clock,
    { provide: Audit, useValue: {} },
    { provide: Database, useValue: {} },
    { provide: DatabaseFeed, useValue: feed },
    { provide: Pulse, useValue: {} },
    { provide: RetentionJob, useValue: { register: () => undefined, statement: () => undefined } },
    { provide: LINK_NAME, useValue: '' },
  ],
  exports: [Clock, Database, DatabaseFeed, Pulse, RetentionJob, LINK_NAME, Audit],
})
class NoDatabase {}

/** An application with a signing key of its own, under the same name as every other. */
async function startApp(): Promise<NestFastifyApplication> {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const config = loadConfig({
    APP_SECRET: 'only-for-tests-0123456789-abcdefghijklmnop',
    JWT_SIGNING_KEY: JSON.stringify({ ...jwk, kid: 'k' }),
  });
  const controllers: Type[] = [Forgotten, Kept, Admins];
  const module = await Test.createTestingModule({
    imports: [ConfigModule.with(config), NoDatabase, GuardsModule],
    controllers,
  }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  app.useGlobalFilters(new ErrorFilter(pino({ level: 'silent' }), () => []));
  await app.init();
  await app.get(SigningKeys).start();
  return app;
}

let app: NestFastifyApplication;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.close());

function tokenOf(...roles: string[]) {
  return tokenOfApp(app, roles);
}

function tokenOfApp(app: NestFastifyApplication, roles: string[]) {
  const subject = {
    userId: newId(),
    sessionId: newId(),
    username: null,
    roles,
    tokenVersion: 1,
    sessionExpiresAt: new Date(Date.now() + 60_000),
    authTime: new Date(),
    authMethods: ['password'],
  };
  return { ...subject, token: app.get(AccessTokens).mint(subject).accessToken };
}

async function get(
  url: string,
  token?: string,
  server = app,
): Promise<{ status: number; body: string; code: string | undefined }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { statusCode, body } = await server.inject({ method: 'GET', url, headers });
  return { status: statusCode, body, code: /"code":"(\w+)"/.exec(body)?.[1] };
}

test.each<[url: string, nobody: number, user: number, admin: number]>([
  ['/forgotten', 401, 403, 403],
  ['/forgotten/public', 200, 200, 200],
  ['/kept', 401, 200, 200],
  ['/kept/roles', 401, 403, 200],
  ['/kept/optional', 200, 200, 200],
  ['/admins', 401, 403, 200],
  // The handler's own word goes before its class's.
  ['/admins/loose', 401, 200, 200],
])('%s: %d for nobody, %d for a user, %d for an admin', async (url, nobody, user, admin) => {
  const tokens = [undefined, tokenOf('user').token, tokenOf('user', 'admin').token];
  // Twice, because the second time the token is remembered.
  for (let round = 0; round < 2; round++) {
    const answers = await Promise.all(tokens.map((token) => get(url, token)));
    expect(answers.map(({ status }) => status)).toEqual([nobody, user, admin]);
  }
});

test('a route that says nothing is closed to every caller, and says so', async () => {
  const answer = await get('/forgotten', tokenOf('admin').token);
  expect(answer.code).toBe('forbidden');
  expect(answer.body).toContain('declares no access rule');
});

test('who lacks a role is told which, and one of several is enough', async () => {
  expect((await get('/kept/roles', tokenOf('user').token)).body).toContain('the role admin or auditor');
  expect((await get('/kept/roles', tokenOf('auditor').token)).status).toBe(200);
  for (const role of ['Admin', 'admin ', 'administrator', '']) {
    expect((await get('/admins', tokenOf(role).token)).status).toBe(403);
  }
});

test('a handler gets the principal of its own request', async () => {
  const users = Array.from({ length: 20 }, () => tokenOf('user'));
  const answers = await Promise.all(users.map(({ token }) => get('/kept', token)));
  expect(answers.map(({ body }) => body)).toEqual(users.map(({ userId }) => userId));
});

test('where a token is not asked for, a bad one is not taken for a good one', async () => {
  expect((await get('/kept/optional', tokenOf('user').token)).body).toBe('known');
  expect((await get('/kept/optional', `${tokenOf('user').token}x`)).body).toBe('unknown');
  expect((await get('/kept/optional')).body).toBe('unknown');
});

test('what is revoked is refused on the very next request, though it is remembered as good', async () => {
  const ended = tokenOf('user');
  expect((await get('/kept', ended.token)).status).toBe(200);
  app.get(Revocations).sessionsRevoked([ended.sessionId]);
  expect(await get('/kept', ended.token)).toMatchObject({ status: 401, code: 'session_revoked' });
  const changed = tokenOf('user');
  expect((await get('/kept', changed.token)).status).toBe(200);
  const nothing = { id: null, ver: null, roles: null, floor: null, kept: null, disabled: null };
  applied.get('user')?.({ ...nothing, number: 1, kind: 'user', id: changed.userId, ver: 2 });
  expect(await get('/kept', changed.token)).toMatchObject({ status: 401, code: 'token_stale' });
});

test('two applications in one process verify each with its own keys', async () => {
  const other = await startApp();
  const token = { own: tokenOf('user').token, others: tokenOfApp(other, ['user']).token };
  // Twice, because the second time the token is remembered.
  for (let round = 0; round < 2; round++) {
    expect((await get('/kept', token.own)).status).toBe(200);
    expect((await get('/kept', token.others, other)).status).toBe(200);
    expect(await get('/kept', token.others)).toMatchObject({ status: 401, code: 'invalid_token' });
    expect(await get('/kept', token.own, other)).toMatchObject({ status: 401, code: 'invalid_token' });
  }
  await other.close();
  expect((await get('/kept', tokenOf('user').token)).status).toBe(200);
});

test('a token is answered at once where it is remembered, and is never another kind of thing', async () => {
  const authenticator = app.get(SessionTokenAuthenticator);
  const { token, userId } = tokenOf('user');
  const request = { headers: { authorization: `Bearer ${token}` } } as FastifyRequest;
  const first = authenticator.authenticate(token, request);
  expect(first).toBeInstanceOf(Promise);
  expect(await first).toMatchObject({ kind: 'session', userId });
  expect(authenticator.authenticate(token, request)).toBe(await first);
  for (const odd of ['', 'x', 'ghk_0123456789', token.replaceAll('.', '')]) {
    expect(authenticator.recognizes(odd)).toBe(false);
    expect(await get('/kept', odd)).toMatchObject({ status: 401, code: 'invalid_token' });
  }
});

test('a key verifies under its own algorithm alone, whatever a token says (RFC 8725, 3.1)', () => {
  const keys = app.get(SigningKeys);
  expect(keys.verifier('k', 'ES256')).toBeDefined();
  for (const [kid, alg] of [
    ['k', 'HS256'],
    ['k', 'RS256'],
    ['k', 'none'],
    ['other', 'ES256'],
    ['__proto__', 'ES256'],
  ] as const) {
    expect(keys.verifier(kid, alg)).toBeUndefined();
  }
});
