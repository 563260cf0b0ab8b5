import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { newId } from '../src/platform/common/id.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/platform/database/embedded/embedded-postgres.js';
import { type AuditModuleUnderTest, openAuditModule } from './support/audit.js';
import { cli, cliJson } from './support/cli.js';
import { Gatehouse } from './support/gatehouse.js';
import { PostgresSandbox } from './support/postgres-sandbox.js';
import { postmasterPid } from './support/postgres-view.js';
import { freshEmail, PASSWORD } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** The audit log where Postgres has lost its end, as an asynchronous failover or a restore does, and where only rows were. */
const TABLES = ['audit_events', 'audit_seals', 'audit_chain', 'audit_unsealed'];
const STARTED = 'SELECT pg_postmaster_start_time()::text AS at';

const sandbox = new PostgresSandbox();
let dataDir: string;
let postgres: EmbeddedPostgres;
let witness: AuditModuleUnderTest;
let error: jest.Spied<Logger['error']>;

beforeAll(async () => {
  dataDir = sandbox.dataDir();
  postgres = await startEmbeddedPostgres({ dataDir, log: () => undefined, restartOnCrash: true });
  // A command applies the migrations and begins the chain, as a server does.
  await cliJson(postgres.url, ['audit:verify']);
  await afresh(async ({ sealer }) => {
    for (let n = 0; n < 4; n++) {
      await add();
      await sealer.sealAll();
    }
  });
  for (const table of TABLES) await sql(`CREATE TABLE kept_${table} AS TABLE ${table}`);
});

afterAll(async () => {
  await postgres?.stop();
  await sandbox.clear();
});

/** Every witness has seen six seals, of which the copy holds four. */
beforeEach(async () => {
  error = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
  await lose();
  witness = await openAuditModule(postgres.url);
  await seal(2);
});

afterEach(async () => {
  jest.restoreAllMocks();
  await witness.close();
});

/** As a superuser with the triggers silenced. */
async function sql<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
  const url = new URL(postgres.url);
  url.username = 'postgres';
  const client = new Client({ connectionString: url.href, options: '-c search_path=gatehouse,public' });
  await client.connect();
  try {
    await client.query('SET session_replication_role = replica');
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Puts all four tables back to the copy. */
async function lose(): Promise<void> {
  for (const table of TABLES) await sql(`TRUNCATE ${table}`);
  for (const table of TABLES) await sql(`INSERT INTO ${table} SELECT * FROM kept_${table}`);
}

/** What every failover and every restore have in common: the Postgres that answers then was started at another time. */
async function restart(): Promise<void> {
  const started = async () => (await sql<{ at: string }>(STARTED))[0]?.at;
  const before = await started();
  process.kill(await postmasterPid(dataDir), 'SIGINT');
  await waitFor(started, { until: (at) => at !== before });
}

/** By the front door, as a server does. */
async function add(type = 'auth.login', data: unknown = {}): Promise<string> {
  const id = newId();
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    await client.query('INSERT INTO audit_events (id, type, data) VALUES ($1, $2, $3)', [
      id,
      type,
      JSON.stringify(data),
    ]);
  } finally {
    await client.end();
  }
  return id;
}

async function seal(count: number, { sealer } = witness): Promise<void> {
  for (let n = 0; n < count; n++) {
    await add();
    await sealer.sealAll();
  }
}

/** Does something in the name of a process that has seen nothing yet. */
async function afresh<T>(work: (fresh: AuditModuleUnderTest) => Promise<T>): Promise<T> {
  const fresh = await openAuditModule(postgres.url);
  return work(fresh).finally(() => fresh.close());
}

/** What a check finds that has seen nothing yet. */
const verify = (expected?: string) => afresh(({ verifier }) => verifier.verify(expected));
const headOf = async () => (await verify()).head ?? '';
const marks = () =>
  sql<{ id: string; actor_id: string | null; data: Record<string, string> }>(
    `SELECT id, actor_id, data FROM audit_events WHERE type = 'audit.set_back' ORDER BY id`,
  );
const seals = async () => (await sql<{ number: string }>('SELECT number FROM audit_seals')).length;

describe('where another Postgres answers, or the same after a restart', () => {
  test('the chain records that it was set back, and goes on', async () => {
    const lost = await headOf();
    await lose();
    const kept = await headOf();
    await restart();
    await seal(1);
    const [mark, ...others] = await marks();
    expect(others).toEqual([]);
    expect(mark).toMatchObject({ actor_id: null, data: { from: lost, to: kept } });
    const report = await verify();
    expect(report).toMatchObject({ entries: 6, seals: 6, waiting: 0, faults: [] });
    expect(report.setBacks).toMatchObject([{ entry: mark?.id, from: lost, to: kept, accepted: false }]);
    expect(report.setBacks[0]?.detail).toContain('set back by a failover or a restore');
    expect(error.mock.calls).toEqual([[expect.stringContaining('has lost the end of the audit log, seal 6 at least')]]);
    // Told once: the witness goes on from what is there.
    await seal(2);
    expect(await marks()).toHaveLength(1);
    expect((await witness.verifier.verify()).faults).toEqual([]);
  });

  test('nothing is recorded where nothing was lost', async () => {
    await restart();
    await seal(1);
    expect(await marks()).toEqual([]);
    expect(await verify()).toMatchObject({ faults: [], setBacks: [] });
  });

  test('a server records it by itself, and its users notice nothing', async () => {
    const gatehouse = await Gatehouse.start({ DATABASE_URL: postgres.url });
    const register = () =>
      gatehouse.call('POST', '/v1/auth/register', { body: { email: freshEmail(), password: PASSWORD } });
    const unsealed = async () => (await sql('SELECT FROM audit_unsealed')).length;
    expect((await register()).status).toBe(201);
    await waitFor(unsealed, { until: (count) => count === 0 });
    await lose();
    await restart();
    await waitFor(register, { until: ({ status }) => status === 201 });
    await waitFor(marks, { until: ({ length }) => length === 1 });
    await waitFor(unsealed, { until: (count) => count === 0 });
    await gatehouse.stop();
    expect(await verify()).toMatchObject({ faults: [], setBacks: [{ accepted: false }] });
  });

  test('a server to which nothing happens records it at once, not after it was accepted', async () => {
    const gatehouse = await Gatehouse.start({ DATABASE_URL: postgres.url });
    await lose();
    await restart();
    await waitFor(marks, { until: ({ length }) => length === 1 });
    await afresh(({ sealer }) => sealer.accept());
    await gatehouse.call('POST', '/v1/auth/register', { body: { email: freshEmail(), password: PASSWORD } });
    await gatehouse.stop();
    expect(await verify()).toMatchObject({ faults: [], setBacks: [{ accepted: true }] });
  });

  test('a chain that others have gone on with past the lost seal was set back too', async () => {
    const lost = await headOf();
    await lose();
    await restart();
    await afresh((other) => seal(4, other));
    const fork = await headOf();
    await seal(1);
    expect(await marks()).toMatchObject([{ data: { from: lost, to: fork } }]);
    expect(await verify()).toMatchObject({ entries: 10, faults: [], setBacks: [{ from: lost, to: fork }] });
  });

  test('two processes that have seen more record it once each, which harms nothing', async () => {
    await afresh(async (other) => {
      await seal(1, other);
      await lose();
      await restart();
      await Promise.all([witness.sealer.sealAll(), other.sealer.sealAll()]);
      await seal(1, other);
      await seal(1);
      expect(await marks()).toHaveLength(2);
      const report = await verify();
      expect(report).toMatchObject({ entries: 8, faults: [] });
      expect(report.setBacks).toHaveLength(2);
    });
  });

  test('the mark is sealed: to change it, remove it or set it back shows', async () => {
    await lose();
    await restart();
    await seal(1);
    const [mark] = await marks();
    await sql(`UPDATE audit_events SET data = data || '{"to": "6:00"}' WHERE id = $1`, [mark?.id]);
    expect((await verify()).faults).toMatchObject([
      { kind: 'entry_changed', subject: mark?.id },
      { kind: 'entry_added', subject: mark?.id },
    ]);
    await sql('DELETE FROM audit_events WHERE id = $1', [mark?.id]);
    expect(await verify()).toMatchObject({ faults: [{ kind: 'entry_missing', subject: mark?.id }], setBacks: [] });
    await lose();
    await restart();
    await seal(1);
    expect(await marks()).toHaveLength(1);
    expect((await marks())[0]?.id).not.toBe(mark?.id);
  });
});

describe('in the same Postgres, which has run all the while', () => {
  test('rows that were set back are tampering: nothing is sealed, and it is said', async () => {
    await lose();
    await add();
    await expect(witness.sealer.sealAll()).rejects.toThrow('set back to an earlier state, in a Postgres that was not');
    expect(await marks()).toEqual([]);
    expect(await seals()).toBe(4);
    const { faults, setBacks } = await witness.verifier.verify();
    expect(setBacks).toEqual([]);
    expect(faults).toMatchObject([
      { kind: 'chain_broken', detail: expect.stringContaining('no failover and no restore does that') },
    ]);
  });

  test('a chain written on past the lost seal is, too', async () => {
    await lose();
    await afresh((other) => seal(4, other));
    await expect(witness.sealer.sealAll()).rejects.toThrow('set back to an earlier state');
    expect(await marks()).toEqual([]);
  });

  test('a restart afterwards does not make it unseen: it is recorded for good', async () => {
    await lose();
    await expect(witness.sealer.sealAll()).rejects.toThrow('set back to an earlier state');
    await restart();
    await witness.sealer.sealAll();
    expect(await verify()).toMatchObject({ faults: [], setBacks: [{ accepted: false }] });
  });
});

describe('a head that was kept elsewhere', () => {
  let lost: string;
  beforeEach(async () => {
    lost = await headOf();
    await lose();
    await restart();
    await witness.sealer.sealAll();
  });

  test('is said to be lost where the mark names it', async () => {
    const [mark] = await marks();
    const { faults } = await verify(lost);
    expect(faults).toMatchObject([
      { kind: 'seal_lost', subject: '6', detail: expect.stringContaining(`as entry ${mark?.id} records`) },
    ]);
    expect((await verify(await headOf())).faults).toEqual([]);
  });

  test.each([
    ['of a number that was lost, only perhaps', '6', true],
    ['of a number that was not, not at all', '7', false],
  ])('and one %s', async (_, number, hinted) => {
    const [fault, ...others] = (await verify(`${number}:${'ab'.repeat(32)}`)).faults;
    expect(others).toEqual([]);
    expect(fault?.kind).toBe('chain_broken');
    expect(fault?.detail).toContain('it was set back or written anew.');
    expect(fault?.detail.includes('It may have been lost when the log was set back')).toBe(hinted);
  });
});

describe('an entry of that type that no server wrote', () => {
  test.each([[null], [[]], [7], ['6:00'], [{}], [{ from: 1, to: 2, mac: 3 }]])(
    'is a fault and no set-back: %j',
    async (data) => {
      const id = await add('audit.set_back', data);
      expect(await verify()).toMatchObject({ faults: [{ kind: 'entry_added', subject: id }], setBacks: [] });
    },
  );

  test('explains no head, also with the data of a true one, and stops retention', async () => {
    await lose();
    await restart();
    await seal(1);
    const [mark] = await marks();
    const copy = await add('audit.set_back', mark?.data);
    // Right after the seal it names, so that nothing but its HMAC is wrong.
    const [from, to] = [`9:${'ab'.repeat(32)}`, await headOf()];
    const invented = await add('audit.set_back', { from, to, mac: mark?.data.mac });
    const report = await verify(from);
    expect(report.setBacks).toMatchObject([{ entry: mark?.id }]);
    expect(report.faults.map(({ kind, subject }) => [kind, subject])).toEqual(
      expect.arrayContaining([
        ['entry_added', copy],
        ['entry_added', invented],
        ['chain_broken', ''],
      ]),
    );
    expect(report.faults).toHaveLength(3);
    await afresh(async ({ retention }) => expect(await retention.cut(0)).toBe(0));
  });
});

test('retention stops at a mark until it was accepted, and then goes past it as past any entry', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
  await lose();
  await restart();
  await seal(1);
  const cut = () => afresh(({ retention }) => retention.cut(0));
  expect([await cut(), await cut()]).toEqual([4, 0]);
  expect(warn).toHaveBeenCalledWith(expect.stringMatching(/set back by a failover.*Nothing is removed from there on/));
  expect(await verify()).toMatchObject({ entries: 2, faults: [], setBacks: [{ accepted: false }] });
  await afresh(({ sealer }) => sealer.accept());
  expect(await cut()).toBe(2);
  expect(await verify()).toMatchObject({ entries: 0, faults: [], setBacks: [] });
});

test('the command tells it apart from tampering, ends with 1, and with 0 once it was accepted', async () => {
  await lose();
  await restart();
  await seal(1);
  const found = await cli(postgres.url, ['audit:verify']);
  expect(found).toMatchObject({ code: 1, stdout: expect.stringContaining('has lost its end at least once') });
  expect(found.stdout).toMatch(/set back by a failover or a restore[^\n]*seal 6 was lost/);
  expect(found.stdout).toMatch(/^Head: \d+:/m);
  expect(found.stdout).not.toContain('tampered');
  const accepted = await cli(postgres.url, ['audit:accept']);
  expect(accepted).toMatchObject({ code: 0, stdout: expect.stringContaining('The audit log is whole') });
  expect(accepted.stdout).toContain('Accepted: The log was set back');
  await sql(`UPDATE audit_events SET type = 'auth.logout' WHERE type = 'auth.login'`);
  const changed = await cli(postgres.url, ['audit:verify']);
  expect(changed).toMatchObject({ code: 1, stdout: expect.stringContaining('The audit log was tampered with') });
  expect(changed.stdout).toContain('Accepted: The log was set back');
});

test('what was accepted once does not cover what is lost later', async () => {
  await lose();
  await restart();
  await seal(1);
  await afresh(({ sealer }) => sealer.accept());
  expect((await verify()).setBacks).toMatchObject([{ accepted: true }]);
  const [place] = await sql<Record<string, unknown>>(`SELECT * FROM audit_chain WHERE place = 'accepted'`);
  await lose();
  await restart();
  await seal(1);
  const replay = 'INSERT INTO audit_chain (place, number, seal, mac) VALUES ($1, $2, $3, $4)';
  await sql(replay, [place?.place, place?.number, place?.seal, place?.mac]);
  expect(await verify()).toMatchObject({ faults: [], setBacks: [{ accepted: false }] });
});

describe('a machine whose clock differs from the database by more than a minute', () => {
  test.each([-3_600_000, -61_000, 61_000, 8_640_000_000])('by %d ms seals nothing and accuses nobody', async (ms) => {
    const clock = Date.now;
    const id = await add();
    jest.spyOn(Date, 'now').mockImplementation(() => clock() + ms);
    await expect(witness.sealer.sealAll()).rejects.toThrow(`are ${Math.abs(ms) / 1_000} s apart`);
    await expect(witness.verifier.verify()).rejects.toThrow('clocks of this machine and of the database');
    expect(await sql('SELECT id FROM audit_unsealed')).toEqual([{ id }]);
    jest.restoreAllMocks();
    await witness.sealer.sealAll();
    expect(await verify()).toMatchObject({ faults: [], waiting: 0 });
  });

  test.each([-50_000, 50_000])('by less, %d ms, it seals', async (ms) => {
    const clock = Date.now;
    jest.spyOn(Date, 'now').mockImplementation(() => clock() + ms);
    await seal(1);
    jest.restoreAllMocks();
    expect(await verify()).toMatchObject({ faults: [], waiting: 0 });
  });
});
