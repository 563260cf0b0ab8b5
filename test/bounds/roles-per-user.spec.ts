import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withRoles } from '../support/admins.js';
import { CliHost } from '../support/cli.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { freshEmail, type Problem, refresh, type SignedUp, signIn, signUp, verdict } from '../support/users.js';

/** A user holds 64 roles at most, by whatever way they are given, and no token grows with them beyond what is read. */
const MOST = 64;
const LONGEST_TOKEN = 8_192;

/** The n-th of the longest names that a role can have. */
const long = (n: number) => `r${String(n).padStart(63, '0')}`;
const many = (count: number) => Array.from({ length: count }, (_, n) => long(n));

let database: TestDatabase;
let here: Gatehouse;
let there: Gatehouse;
let admin: SignedUp;
let shell: CliHost;

beforeAll(async () => {
  database = await createDatabase();
  await database.query('INSERT INTO roles (name) SELECT unnest($1::text[])', [many(90)]);
  const env = { DATABASE_URL: database.url };
  [here, there] = await Promise.all([Gatehouse.start(env), Gatehouse.start(env)]);
  admin = await withRoles(here, database, 'admin', 'user');
  shell = new CliHost(database.url);
});

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop(), shell?.stop()]);
  await database?.drop();
});

const rolesOf = async (id: string) => {
  const rows = await database.query<{ role: string }>('SELECT role FROM user_roles WHERE user_id = $1 ORDER BY role', [
    id,
  ]);
  return rows.map(({ role }) => role);
};
const give = (id: string, roles: string[]) =>
  database.query('INSERT INTO user_roles SELECT $1, unnest($2::text[])', [id, roles]);

/** As an installation of before the bound may have: what the trigger would refuse. */
async function giveUnbounded(id: string, roles: string[]): Promise<void> {
  await database.query('ALTER TABLE user_roles DISABLE TRIGGER user_roles_given');
  await give(id, roles);
  await database.query('ALTER TABLE user_roles ENABLE TRIGGER user_roles_given');
}

describe('who would hold more than 64', () => {
  test('by the command line is told so, and gets none of them', async () => {
    const { user } = await signUp(here);
    const { code, stderr } = await shell.run(['roles:grant', user.email, ...many(64)]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('64 roles at most: with these it would be 65')]);
    expect(await rolesOf(user.id)).toEqual(['user']);
    expect((await shell.run(['roles:grant', user.email, ...many(63)])).code).toBe(0);
  });

  test('by an import is a line that is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-roles-'));
    const file = join(folder, 'users.ndjson');
    const lines = [
      { email: 'crowded@roles.test', roles: many(65) },
      { email: 'full@roles.test', roles: many(64) },
    ];
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { code, stdout } = await shell.run(['users:import', file, '--json']);
    rmSync(folder, { recursive: true });
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      { imported: 1, refusals: [{ line: 1, reason: expect.stringMatching(/^roles: .*64/) }] },
    ]);
  });

  test('by SQL is refused by a constraint of that name, in one statement, many, or by another user’s row', async () => {
    const [one, other] = await Promise.all([signUp(here), signUp(here)]);
    const refusal = {
      code: '23514',
      constraint: 'user_roles_at_most_64',
      message: expect.stringContaining('64 roles'),
    };
    await expect(give(one.user.id, many(64))).rejects.toMatchObject(refusal);
    await give(one.user.id, many(63));
    await expect(give(one.user.id, [long(63)])).rejects.toMatchObject(refusal);
    await give(other.user.id, [long(70)]);
    const move = database.query('UPDATE user_roles SET user_id = $1 WHERE user_id = $2 AND role = $3', [
      one.user.id,
      other.user.id,
      long(70),
    ]);
    await expect(move).rejects.toMatchObject(refusal);
    expect(await rolesOf(one.user.id)).toHaveLength(MOST);
  });

  test('by 50 at once, on two instances and by SQL, never does', async () => {
    const { user } = await signUp(here);
    await give(user.id, many(60));
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const roles = [...many(63), long(63 + (n % 20))];
        if (n % 5 === 0) return give(user.id, [long(63 + (n % 20))]).catch(() => undefined);
        const server = n % 2 ? here : there;
        return server.call('PUT', `/v1/users/${user.id}/roles`, { body: { roles }, token: admin.accessToken });
      }),
    );
    expect((await rolesOf(user.id)).length).toBeLessThanOrEqual(MOST);
  });
});

test('with 64 of the longest names a token is taken by every route', async () => {
  const { user } = await signUp(here, { username: 'u'.repeat(32) });
  const roles = many(64);
  const answer = await here.call('PUT', `/v1/users/${user.id}/roles`, { body: { roles }, token: admin.accessToken });
  expect(answer.status).toBe(200);
  const { accessToken } = await signIn(here, user.email);
  expect(accessToken.length).toBeLessThan(LONGEST_TOKEN);
  expect(await verdict(here, accessToken)).toBe('ok');
});

describe('who held more before they were bounded', () => {
  let crowded: SignedUp;

  beforeAll(async () => {
    const made = await signUp(here);
    await giveUnbounded(made.user.id, many(90));
    crowded = await signIn(here, made.user.email);
  });

  test('keeps them, and signs in and refreshes to a token that is taken', async () => {
    expect(await rolesOf(crowded.user.id)).toHaveLength(91);
    const next = await refresh(here, crowded.refreshToken);
    for (const { accessToken } of [crowded, next.body]) {
      expect(accessToken.length).toBeLessThan(LONGEST_TOKEN);
      expect(await verdict(here, accessToken)).toBe('ok');
    }
  });

  test('is given no other, may lose some, and is changed in everything else', async () => {
    const path = `/v1/users/${crowded.user.id}`;
    await expect(give(crowded.user.id, ['admin'])).rejects.toThrow('64 roles');
    const renamed = await here.call<Problem>('PATCH', path, { body: { name: 'Many' }, token: admin.accessToken });
    const trimmed = await here.call<Problem>('PUT', `${path}/roles`, {
      body: { roles: many(64) },
      token: admin.accessToken,
    });
    expect([renamed.status, trimmed.status]).toEqual([200, 200]);
    expect(await rolesOf(crowded.user.id)).toEqual(many(64));
  });
});

test('settings that would make a token too long are refused at the start', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'k' });
  const started = Gatehouse.start({
    DATABASE_URL: database.url,
    JWT_SIGNING_KEY: jwk,
    JWT_AUDIENCE: `https://${'a'.repeat(2_000)}.example.com`,
  });
  await expect(started).rejects.toThrow(/JWT_AUDIENCE.*too long/);
  expect(await signUp(here, { email: freshEmail() })).toBeTruthy();
});
