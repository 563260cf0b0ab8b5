import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { CliHost } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { tokenFor } from './support/mail.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp, type User } from './support/users.js';

/** What a person types has no blanks around it, wherever it is typed: a phone's keyboard adds them to what it completes. */
const ADMIN = 'admin@example.com';

let database: TestDatabase;
let gatehouse: Gatehouse;
let admin: string;
let shell: CliHost;
let folder: string;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({
    DATABASE_URL: database.url,
    BOOTSTRAP_ADMIN_EMAIL: ` ${ADMIN}\u00a0`,
    BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
  });
  shell = new CliHost(database.url);
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-typed-'));
  admin = (await signIn(gatehouse, ADMIN)).accessToken;
});

afterAll(async () => {
  await Promise.all([gatehouse?.stop(), shell?.stop()]);
  await database?.drop();
  if (folder) rmSync(folder, { recursive: true });
});

/** As it leaves a phone, a spreadsheet, a contact and an input method. */
const around = (text: string) => [`${text} `, `\t${text}\r\n`, `\u202a${text}\u202c`, `\u3000${text}\u00a0\u200b`];
const post = (path: string, body: object, token?: string) =>
  gatehouse.call<SignedUp & User & Problem>('POST', path, { body, token });
const patch = (path: string, body: object, token: string) => gatehouse.call<User>('PATCH', path, { body, token });
let names = 0;
const freshName = () => `typed.${++names}`;

/** For each place where a name is typed: it does as if the blanks were not there. */
const PLACES: [place: string, works: (typed: (text: string) => string) => Promise<void>][] = [
  [
    'sign-in by email and username',
    async (typed) => {
      const { user } = await signUp(gatehouse, { username: freshName() });
      for (const name of [{ email: typed(user.email) }, { username: typed(user.username ?? '') }]) {
        expect((await post('/v1/auth/login', { ...name, password: PASSWORD })).status).toBe(200);
        // What stands round a password is part of it.
        expect((await post('/v1/auth/login', { ...name, password: `${PASSWORD} ` })).status).toBe(401);
      }
    },
  ],
  [
    'registration',
    async (typed) => {
      const [email, username] = [freshEmail(), freshName()];
      const form = { email: typed(email), username: typed(username), name: typed('Ada Lovelace') };
      const { user } = await signUp(gatehouse, form);
      expect(user).toMatchObject({ email, username, name: 'Ada Lovelace' });
      const again = await post('/v1/auth/register', {
        email: freshEmail(),
        username: typed(username),
        password: PASSWORD,
      });
      expect([again.status, again.body.code]).toEqual([409, 'username_taken']);
    },
  ],
  [
    'a forgotten password, and the token of its mail',
    async (typed) => {
      const { user } = await signUp(gatehouse);
      expect((await post('/v1/auth/password/forgot', { email: typed(user.email) })).status).toBe(202);
      const token = typed(await tokenFor(gatehouse, user.email));
      const spaced = ` ${PASSWORD} \u00a0`;
      expect((await post('/v1/auth/password/reset', { token, password: spaced })).status).toBe(200);
      await signIn(gatehouse, user.email, spaced);
    },
  ],
  [
    'the mail to confirm an address, and its token',
    async (typed) => {
      const { user } = await signUp(gatehouse);
      expect((await post('/v1/auth/email/resend', { email: typed(user.email) })).status).toBe(202);
      const token = typed(await tokenFor(gatehouse, user.email));
      expect((await post('/v1/auth/email/verify', { token })).status).toBe(200);
    },
  ],
  [
    'another address',
    async (typed) => {
      const { user, accessToken } = await signUp(gatehouse);
      const email = freshEmail();
      await post('/v1/users/me/email', { email: typed(email), password: PASSWORD }, accessToken);
      const token = await tokenFor(gatehouse, email);
      expect((await post('/v1/auth/email/verify', { token })).status).toBe(200);
      expect((await signIn(gatehouse, email)).user.id).toBe(user.id);
    },
  ],
  [
    'the own names',
    async (typed) => {
      const { accessToken } = await signUp(gatehouse);
      const username = freshName();
      const { body } = await patch('/v1/users/me', { name: typed('Ada'), username: typed(username) }, accessToken);
      expect(body).toMatchObject({ name: 'Ada', username });
    },
  ],
  [
    'an invitation and what the invited person chooses',
    async (typed) => {
      const [email, username] = [freshEmail(), freshName()];
      const made = await post('/v1/users', { email: typed(email), roles: [typed('user')] }, admin);
      expect(made.body).toMatchObject({ email, roles: ['user'] });
      const token = typed(await tokenFor(gatehouse, email));
      const form = { token, password: PASSWORD, username: typed(username), name: typed('Eve') };
      expect((await post('/v1/auth/invitations/accept', form)).body.user).toMatchObject({ username, name: 'Eve' });
    },
  ],
  [
    'a user in the hands of an administrator, with roles',
    async (typed) => {
      const { user } = await signUp(gatehouse);
      const [email, username] = [freshEmail(), freshName()];
      const change = { email: typed(email), username: typed(username), name: typed('Eve') };
      expect((await patch(`/v1/users/${user.id}`, change, admin)).body).toMatchObject({ email, username, name: 'Eve' });
      const roles = { body: { roles: [typed('user'), typed('admin')] }, token: admin };
      expect((await gatehouse.call<User>('PUT', `/v1/users/${user.id}/roles`, roles)).body.roles).toEqual([
        'admin',
        'user',
      ]);
    },
  ],
  [
    'the search of an administrator',
    async (typed) => {
      const { user } = await signUp(gatehouse);
      const query = new URLSearchParams({ query: typed(user.email), role: typed('user') });
      const found = await gatehouse.call<{ items: User[] }>('GET', `/v1/users?${query}`, { token: admin });
      expect(found.body.items.map(({ id }) => id)).toEqual([user.id]);
    },
  ],
  [
    'a role, from its making to its removal',
    async (typed) => {
      const role = `typed-${++names}`;
      const path = `/v1/roles/${encodeURIComponent(typed(role))}`;
      const made = await gatehouse.call<{ name: string }>('PUT', path, { body: { permissions: [] }, token: admin });
      expect([made.status, made.body.name]).toEqual([201, role]);
      expect((await gatehouse.call('DELETE', path, { token: admin })).status).toBe(204);
    },
  ],
];

const EVERYWHERE = PLACES.flatMap(([place, works]) => around('x').map((_, kind) => ({ place, kind, works })));

test.each(EVERYWHERE)('$place, blanks of kind $kind', ({ kind, works }) => works((text) => around(text)[kind] ?? ''));

test('blanks within are no part of an address, nor of a username', async () => {
  for (const form of [{ email: 'a da@example.com' }, { email: freshEmail(), username: 'a da' }, { email: ' ' }]) {
    expect((await post('/v1/auth/register', { password: PASSWORD, ...form })).status).toBe(400);
  }
  for (const change of [{ name: ' \u200b' }, { username: ' ' }]) {
    expect((await patch(`/v1/users/me`, change, admin)).status).toBe(400);
  }
});

test('at the command line', async () => {
  const [email, username] = [freshEmail(), freshName()];
  const args = [`${email} `, '--username', `${username}\u00a0`, '--name', ' Ada ', '--role', 'user '];
  const made = await shell.json<User>(['users:create', ...args]);
  expect(made).toMatchObject({ email, username, name: 'Ada', roles: ['user'] });
  for (const name of [` ${email}`, `${username} `, `${made.id}\n`]) {
    expect((await shell.json<User>(['roles:grant', name, ' admin'])).roles).toEqual(['admin', 'user']);
  }
  const found = await shell.json<User[]>(['users:list', '--query', `${email} `, '--role', ' admin ']);
  expect(found.map(({ id }) => id)).toEqual([made.id]);
  const ended = await shell.run(['sessions:revoke', '--before', '0s', '--user', ` ${username}`]);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
});

test('in an import', async () => {
  const [email, username] = [freshEmail(), freshName()];
  const line = { email: ` ${email}\u00a0`, username: `${username} `, name: '\tAda', roles: [' user'] };
  const file = join(folder, 'users.ndjson');
  writeFileSync(file, JSON.stringify(line));
  const args = ['users:import', file, '--role', 'user '];
  expect(await shell.json(args)).toMatchObject({ imported: 1, refused: 0 });
  const rows = await database.query('SELECT email, username, name FROM users WHERE email = $1', [email]);
  expect(rows).toEqual([{ email, username, name: 'Ada' }]);
});

test('the OpenAPI document refuses nothing of it', async () => {
  const { body } = await gatehouse.call<{ components: { schemas: Record<string, object> } }>('GET', '/openapi.json');
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'api', components: body.components });
  const validate = (schema: string, value: unknown) =>
    ajv.validate({ $ref: `api#/components/schemas/${schema}` }, value);
  for (const typed of around('ada')) {
    const email = typed.replace('ada', 'ada@example.com');
    const form = { email, password: PASSWORD, username: typed, name: typed };
    expect([typed, validate('Registration', form), ajv.errors]).toEqual([typed, true, null]);
    expect([typed, validate('Login', { username: typed, password: PASSWORD })]).toEqual([typed, true]);
    expect([typed, validate('UserRoles', { roles: [typed] })]).toEqual([typed, true]);
  }
  const wrong = { email: 'ada@example.com', password: PASSWORD };
  expect(validate('Registration', { ...wrong, username: ' ' })).toBe(false);
  expect(validate('Registration', { ...wrong, name: '\t ' })).toBe(false);
});
