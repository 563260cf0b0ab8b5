import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstIdAt } from '../src/platform/common/id.js';
import { openAuditModule } from './support/audit.js';
import { cli, cliJson } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse, GatehouseProcess } from './support/gatehouse.js';
import { refresh, type SignedUp, signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** Machines whose clock is wrong: nothing that others use is removed, and nobody is signed out. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What would be missed. Entries and keys are only ever added by those whose clock is right. */
const COUNTS = `
  SELECT (SELECT count(*)::integer FROM users) AS users, (SELECT count(*)::integer FROM sessions) AS sessions,
    (SELECT count(*)::integer FROM sessions WHERE revoked_at IS NULL) AS live,
    (SELECT count(*)::integer FROM one_time_tokens) AS links, (SELECT count(*)::integer FROM mail_outbox) AS mails,
    (SELECT count(*)::integer FROM known_addresses) AS addresses, (SELECT count(*)::integer FROM signing_keys) AS keys,
    (SELECT count(*)::integer FROM audit_events) AS entries, (SELECT count(*)::integer FROM quotas) AS quotas`;

let database: TestDatabase;
let gatehouse: Gatehouse;
let people: SignedUp[];
let folder: string;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  people = [await signUp(gatehouse), await signUp(gatehouse)];
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-clocks-'));
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
  if (folder) rmSync(folder, { recursive: true });
});

/** The environment of a process whose clock is ahead by so many milliseconds. */
const ahead = (ms: number) => ({
  NODE_OPTIONS: `--import=${new URL('./support/shift-clock.js', import.meta.url).href}?ms=${ms}`,
});
const counts = async () => (await database.query(COUNTS))[0];

/** A session that is past its greatest age, by which to see that what is old was removed. */
async function addOld(): Promise<() => Promise<boolean>> {
  const id = firstIdAt(Date.now() - 100 * DAY);
  await database.query(
    `INSERT INTO sessions (id, user_id, secret_hash, created_at, expires_at, auth_methods)
      VALUES ($1, $2, sha256('x'), now() - interval '100 days', now() - interval '10 days', '{password}')`,
    [id, people[0]?.user.id],
  );
  return async () => (await database.query('SELECT FROM sessions WHERE id = $1', [id])).length === 0;
}

test.each([100 * DAY, HOUR, MINUTE + 1_000, -100 * DAY])(
  'an instance that is %d ms ahead does not start, says why, and takes nothing from anybody',
  async (ms) => {
    const before = await counts();
    const wrong = GatehouseProcess.launch({ DATABASE_URL: database.url, ...ahead(ms) });
    expect((await wrong.exited).code).toBe(78);
    expect(wrong.output).toMatch(
      new RegExp(`The clock of this machine is [0-9.]+ s ${ms > 0 ? 'ahead of' : 'behind'} the database’s: let NTP`),
    );
    // Retention had begun by then.
    await database.query(`DELETE FROM sessions WHERE created_at < now() - interval '91 days'`);
    expect(await counts()).toEqual(before);
    for (const person of people) {
      expect(await verdict(gatehouse, person.accessToken)).toBe('ok');
      const { code, body } = await refresh(gatehouse, person.refreshToken);
      expect(code).toBe('ok');
      Object.assign(person, body);
    }
  },
);

test.each([50_000, -50_000])(
  'an instance that is %d ms ahead says so, and serves by the time of the others',
  async (ms) => {
    const isGone = await addOld();
    const wrong = await GatehouseProcess.start({ DATABASE_URL: database.url, LOG_LEVEL: 'warn', ...ahead(ms) });
    try {
      expect(wrong.output).toMatch(/The clock of this machine is (49|50)\.\d s/);
      await waitFor(isGone);
      const theirs = await signUp(wrong);
      const ours = await signUp(gatehouse);
      for (const server of [wrong, gatehouse])
        for (const { accessToken } of [theirs, ours]) expect(await verdict(server, accessToken)).toBe('ok');
      expect((await refresh(gatehouse, theirs.refreshToken)).code).toBe('ok');
      expect((await refresh(wrong, ours.refreshToken)).code).toBe('ok');
      await wrong.call('POST', '/v1/auth/logout', { token: ours.accessToken });
      await waitFor(async () => (await verdict(gatehouse, ours.accessToken)) === 'session_revoked');
    } finally {
      await wrong.stop();
    }
  },
);

test.each([100 * DAY, -HOUR])(
  'a command that is %d ms ahead seals nothing, says so, and its entry is sealed by the next that is right',
  async (ms) => {
    const email = `clock${ms}@clocks.test`;
    const made = await cli(database.url, ['users:create', email, '--generate-password'], { env: ahead(ms) });
    expect(made.code).toBe(0);
    expect(made.stderr).toContain(`${Math.abs(ms) / 1_000} s apart: set the wrong one`);
    expect(await database.query('SELECT FROM audit_unsealed')).toHaveLength(1);
    const checked = await cli(database.url, ['audit:verify'], { env: ahead(ms) });
    expect(checked.code).not.toBe(0);
    expect(checked.stderr).toContain('set the wrong one');
    expect(checked.stdout).not.toContain('tampered');
    const right = await openAuditModule(database.url);
    expect(await right.verifier.verify()).toMatchObject({ waiting: 0, faults: [], setBacks: [] });
    await right.close();
  },
);

test.each([
  ['tomorrow, on a machine a hundred days ahead', 100 * DAY, DAY, 0],
  ['yesterday, on a machine a hundred days behind', -100 * DAY, -DAY, 1],
])('an import takes no account made %s for what it is not', async (_, ms, made, imported) => {
  const file = join(folder, `${ms}.ndjson`);
  const createdAt = new Date(Date.now() + made).toISOString();
  writeFileSync(file, `${JSON.stringify({ email: `import${ms}@clocks.test`, createdAt })}\n`);
  const result = await cliJson(database.url, ['users:import', file], { env: ahead(ms) });
  expect(result).toMatchObject({ imported, refused: 1 - imported });
});
