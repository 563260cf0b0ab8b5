import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import type { AuditFault } from '../src/audit/audit-fault.js';
import { AUDIT_LOCK } from '../src/audit/audit-store.js';
import { withRoles } from './support/admins.js';
import { type AuditModuleUnderTest, openAuditModule } from './support/audit.js';
import { cliJson } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { signUp } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** The audit log against an attacker who may do everything in the database but does not know APP_SECRET. */
const ENTRIES = 40;
const SINGLES = 13;
const BACKED_UP = ['audit_events', 'audit_seals', 'audit_chain', 'audit_unsealed'];

let database: TestDatabase;
let superuser: Client;
let audit: AuditModuleUnderTest;

beforeAll(async () => {
  database = await createDatabase();
  superuser = new Client({ connectionString: superuserUrl(database.url) });
  await superuser.connect();
  audit = await openAuditModule(database.url);
  await begin(audit);
  await addUser();
  // Thirteen seals of one entry, so that numbers of one and of two digits follow each other; then four of ten.
  for (let n = 100; n < 100 + SINGLES; n++) {
    await database.query('INSERT INTO audit_events (id, type) VALUES ($1, $2)', [id(n), 'auth.logout']);
    await audit.sealer.sealAll();
  }
  for (let n = 0; n < ENTRIES; n++) {
    await database.query(
      `INSERT INTO audit_events (id, type, actor_id, user_id, ip, user_agent, request_id, data) VALUES
        (('00000000-0000-7000-8000-' || lpad($1::integer::text, 12, '0'))::uuid, 'auth.login', gen_random_uuid(), gen_random_uuid(),
         '192.0.2.7', 'Firefox', 'request-' || $1::integer, '{"authMethods": ["password"]}')`,
      [n],
    );
    if (n % 10 === 9) await audit.sealer.sealAll();
  }
  // With its triggers silenced, as somebody would who does not want to be refused.
  await superuser.query(`SET session_replication_role = replica`);
  for (const table of BACKED_UP) await superuser.query(`CREATE TABLE kept_${table} AS TABLE ${table}`);
});

afterAll(async () => {
  await audit?.close();
  await superuser?.end();
  await database?.drop();
});

/** The embedded Postgres has a superuser of the same password; on another server the tests run as one. */
function superuserUrl(url: string): string {
  const own = new URL(url);
  if (own.username === 'gatehouse') own.username = 'postgres';
  own.searchParams.set('options', '-c search_path=gatehouse');
  return own.href;
}

async function restore(): Promise<void> {
  await superuser.query('DROP TABLE IF EXISTS evil');
  for (const table of BACKED_UP) {
    await superuser.query(`TRUNCATE ${table}; INSERT INTO ${table} SELECT * FROM kept_${table}`);
  }
  await superuser.query(`ALTER TABLE audit_events DROP CONSTRAINT IF EXISTS audit_events_pk,
    ADD CONSTRAINT audit_events_pk PRIMARY KEY (id)`);
}

/** What a server does at its start, and ends. */
async function begin({ sealer }: AuditModuleUnderTest): Promise<void> {
  await sealer.onApplicationBootstrap();
  sealer.onModuleDestroy();
  await sealer.beforeApplicationShutdown();
}

/** Does something in the name of a process that has seen nothing yet. */
async function afresh<T>(work: (fresh: AuditModuleUnderTest) => Promise<T>): Promise<T> {
  const fresh = await openAuditModule(database.url);
  return work(fresh).finally(() => fresh.close());
}

async function addUser(): Promise<void> {
  await database.query(`INSERT INTO users (id, email, email_key) VALUES (gen_random_uuid(), 'a@x.test', 'a@x.test')`);
}

/** Names the faults, shortly: kind and, of ids, the number at their end. */
async function faults(verifier = audit.verifier, expected?: string): Promise<string[]> {
  const report = await verifier.verify(expected);
  return report.faults.map(({ kind, subject }: AuditFault) => `${kind} ${subject.replace(/^.*-0*(?=\d)/, '')}`.trim());
}

/** The id of entry n. */
const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const forged = (n: number) =>
  `SELECT id, 'auth.logout', actor_id, user_id, ip, user_agent, request_id, at, data FROM audit_events WHERE id = '${id(n)}'`;
const change = (n: number, set: string) => `UPDATE audit_events SET ${set} WHERE id = '${id(n)}'`;

test('an untouched log is whole', async () => {
  const report = await audit.verifier.verify();
  expect(report.faults).toEqual([]);
  expect(report).toMatchObject({ entries: ENTRIES + SINGLES, waiting: 0 });
  expect(report.head).toMatch(/^\d+:[0-9a-f]{64}$/);
});

describe('tampering by SQL as superuser is found and named', () => {
  afterEach(restore);

  test.each<[string, string, string[]]>([
    ['the type', change(12, `type = 'auth.logout'`), ['entry_changed 12']],
    ['the actor', change(12, 'actor_id = gen_random_uuid()'), ['entry_changed 12']],
    ['no actor', change(12, 'actor_id = NULL'), ['entry_changed 12']],
    ['the user', change(12, 'user_id = actor_id'), ['entry_changed 12']],
    ['actor and user exchanged', change(12, 'actor_id = user_id, user_id = actor_id'), ['entry_changed 12']],
    ['the address', change(12, `ip = '192.0.2.8'`), ['entry_changed 12']],
    ['the network of the address', change(12, `ip = '192.0.2.7/24'`), ['entry_changed 12']],
    ['the user agent', change(12, `user_agent = 'firefox'`), ['entry_changed 12']],
    ['an empty user agent for none', change(12, `user_agent = ''`), ['entry_changed 12']],
    ['the request', change(12, `request_id = 'request-13'`), ['entry_changed 12']],
    ['the time, by a microsecond', change(12, `at = at + interval '1 microsecond'`), ['entry_changed 12']],
    ['the data', change(12, `data = '{"authMethods": ["passkey"]}'`), ['entry_changed 12']],
    ['more data', change(12, `data = data || '{"by": "me"}'`), ['entry_changed 12']],
    ['an id', change(12, `id = '${id(99)}'`), ['entry_missing 12', 'entry_added 99']],
    ['an entry removed', `DELETE FROM audit_events WHERE id = '${id(12)}'`, ['entry_missing 12']],
    ['the first removed', `DELETE FROM audit_events WHERE id = '${id(0)}'`, ['entry_missing 0']],
    ['the last removed', `DELETE FROM audit_events WHERE id = '${id(39)}'`, ['entry_missing 39']],
    [
      'an entry added to the past',
      `INSERT INTO audit_events (id, type) VALUES ('${id(50)}', 'auth.login')`,
      ['entry_added 50'],
    ],
    [
      'an entry doubled',
      `INSERT INTO audit_events SELECT '${id(51)}', type, actor_id, user_id, ip, user_agent, request_id, at, data FROM audit_events WHERE id = '${id(3)}'`,
      ['entry_added 51'],
    ],
    [
      'two entries exchanged',
      `UPDATE audit_events SET id = CASE id WHEN '${id(12)}' THEN '${id(52)}'::uuid ELSE '${id(12)}' END WHERE id IN ('${id(12)}', '${id(22)}');
       UPDATE audit_events SET id = '${id(22)}' WHERE id = '${id(52)}'`,
      ['entry_changed 12', 'entry_changed 22'],
    ],
    [
      'two entries exchanged in time',
      `UPDATE audit_events e SET at = o.at FROM audit_events o WHERE e.id IN ('${id(4)}', '${id(6)}') AND o.id IN ('${id(4)}', '${id(6)}') AND o.id <> e.id`,
      ['entry_changed 4', 'entry_changed 6'],
    ],
    ['a seal removed', 'DELETE FROM audit_seals WHERE number = 15', ['seal_missing 15', ...tens(1, 'entry_added')]],
    [
      'a seal and its entries removed',
      'DELETE FROM audit_events WHERE id = ANY ((SELECT ids FROM audit_seals WHERE number = 15)::uuid[]); DELETE FROM audit_seals WHERE number = 15',
      ['seal_missing 15'],
    ],
    [
      'the last seal and its entries removed',
      'DELETE FROM audit_events WHERE id = ANY ((SELECT ids FROM audit_seals WHERE number = 17)::uuid[]); DELETE FROM audit_seals WHERE number = 17',
      ['chain_broken'],
    ],
    [
      'the last seal, its entries and the head set back',
      `DELETE FROM audit_events WHERE id = ANY ((SELECT ids FROM audit_seals WHERE number = 17)::uuid[]);
       DELETE FROM audit_seals WHERE number = 17;
       UPDATE audit_chain SET number = 16, seal = (SELECT mac FROM audit_seals WHERE number = 16)`,
      ['chain_broken'],
    ],
    [
      'the first seals and their entries removed, as if by retention',
      `DELETE FROM audit_events WHERE id = ANY (SELECT unnest(ids) FROM audit_seals WHERE number < 3);
       INSERT INTO audit_chain SELECT 'anchor', 2, mac, mac FROM audit_seals WHERE number = 2;
       DELETE FROM audit_seals WHERE number < 3`,
      ['chain_broken', 'seal_missing 2'],
    ],
    [
      'an entry taken out of its seal',
      `UPDATE audit_seals SET ids = array_remove(ids, '${id(12)}'), macs = substr(macs, 1, 144) WHERE number = 15`,
      ['seal_changed 15', 'entry_changed 13', '*', 'entry_added 12'],
    ],
    [
      'two entries exchanged within their seal',
      `UPDATE audit_seals SET ids[1] = ids[2], ids[2] = ids[1] WHERE number = 15`,
      ['seal_changed 15', 'entry_changed 11', 'entry_changed 10'],
    ],
    [
      'the order of two seals',
      `UPDATE audit_seals SET number = CASE number WHEN 15 THEN -16 ELSE -15 END WHERE number IN (15, 16);
       UPDATE audit_seals SET number = -number WHERE number < 0`,
      ['seal_changed 15', 'seal_changed 16', 'seal_changed 17'],
    ],
    [
      'the time of a seal',
      `UPDATE audit_seals SET sealed_at = sealed_at - interval '1 day' WHERE number = 15`,
      ['seal_changed 15', 'seal_late 15'],
    ],
    [
      'an entry and its HMAC by a hash without the key',
      `${change(12, `type = 'auth.logout'`)};
       UPDATE audit_seals SET macs = overlay(macs placing substr(sha256('auth.logout'), 1, 16) from 33) WHERE number = 15`,
      ['seal_changed 15', 'entry_changed 12'],
    ],
    [
      'a forged entry behind the id of another',
      `ALTER TABLE audit_events DROP CONSTRAINT audit_events_pk; INSERT INTO audit_events ${forged(12)}`,
      ['entry_added 12'],
    ],
    [
      'a forged entry behind the id of another, in a table that inherits',
      `CREATE TABLE evil () INHERITS (audit_events); INSERT INTO evil ${forged(12)}`,
      ['entry_added 12'],
    ],
    [
      'an entry added in a table that inherits',
      `CREATE TABLE evil () INHERITS (audit_events); INSERT INTO evil (id, type) VALUES ('${id(53)}', 'auth.login')`,
      ['entry_added 53'],
    ],
    [
      'an entry added under a seal before the first',
      `INSERT INTO audit_events (id, type) VALUES ('${id(54)}', 'auth.login');
       INSERT INTO audit_seals SELECT -1, sealed_at, ARRAY['${id(54)}'::uuid], substr(macs, 1, 16), mac, release
         FROM audit_seals WHERE number = 1`,
      ['chain_broken'],
    ],
    ['everything emptied', 'TRUNCATE audit_events, audit_seals, audit_unsealed', ['chain_broken']],
    ['every seal removed', 'TRUNCATE audit_seals', ['chain_broken', '*']],
    ['the head removed', 'TRUNCATE audit_chain', ['chain_broken']],
  ])('%s', async (_, sql, expected) => {
    await superuser.query(sql);
    const found = await faults();
    const named = expected.filter((fault) => fault !== '*');
    expect(found).toEqual(expect.arrayContaining(named));
    // Nothing else is accused, but that the chain as a whole is no longer what it was.
    if (named.length === expected.length) expect([...named, 'chain_broken']).toEqual(expect.arrayContaining(found));
  });

  test('everything set back to an earlier state, by who kept a copy, shows against a head kept elsewhere', async () => {
    const { head: before } = await audit.verifier.verify();
    await afresh(async (witness) => {
      await database.query(`INSERT INTO audit_events (id, type) VALUES ('${id(70)}', 'auth.login')`);
      const { head: after } = await witness.verifier.verify();
      expect(await faults(witness.verifier, after ?? '')).toEqual([]);
      expect(await faults(witness.verifier, before ?? '')).toEqual([]);
      await restore();
      await afresh(async ({ verifier }) => {
        expect(await faults(verifier)).toEqual([]);
        expect(await faults(verifier, after ?? '')).toEqual(['chain_broken']);
      });
      // A verifier that saw the later state needs no copy, also where nothing waits, and where others have gone on since.
      expect(await faults(witness.verifier)).toEqual(['chain_broken']);
      for (const n of [71, 72]) {
        await database.query(`INSERT INTO audit_events (id, type) VALUES ('${id(n)}', 'auth.login')`);
        await afresh(({ sealer }) => sealer.sealAll());
      }
      expect(await faults(witness.verifier)).toEqual(['chain_broken']);
    });
  });

  test('all of it emptied shows, and no server begins a chain where there are users', async () => {
    for (const table of BACKED_UP) await superuser.query(`TRUNCATE ${table}`);
    await afresh(async (fresh) => {
      await begin(fresh);
      const report = await fresh.verifier.verify();
      expect(report.faults).toMatchObject([{ kind: 'chain_broken', detail: expect.stringContaining('was removed') }]);
    });
  });

  describe('a history written anew', () => {
    const REWRITE = `
      ${change(2, `type = 'auth.logout'`)};
      DELETE FROM audit_events WHERE id = '${id(4)}';
      TRUNCATE audit_seals, audit_chain, audit_unsealed;
      INSERT INTO audit_unsealed SELECT id FROM audit_events`;
    /** So that it tells of a time before the attack. */
    const AGE = `UPDATE audit_events SET at = at - interval '2 hours'`;
    const HIDE_USERS = 'ALTER TABLE users RENAME TO hidden; CREATE TABLE users (); GRANT SELECT ON users TO PUBLIC';
    const SHOW_USERS = 'DROP TABLE users; ALTER TABLE hidden RENAME TO users';

    test('is sealed by no process, however little it knows', async () => {
      await superuser.query(REWRITE);
      await afresh(async (fresh) => {
        await begin(fresh);
        expect(await faults(fresh.verifier)).toEqual(['chain_broken']);
        await expect(fresh.sealer.sealAll()).rejects.toThrow('head of the audit chain was removed');
      });
      expect(await database.query('SELECT FROM audit_seals')).toEqual([]);
    });

    test('is sealed too late by a server that was led to believe in a new database', async () => {
      await superuser.query(`${REWRITE}; ${AGE}; ${HIDE_USERS}`);
      await afresh(begin);
      await superuser.query(SHOW_USERS);
      expect(await afresh(({ verifier }) => faults(verifier))).toEqual(['seal_late 1']);
    });

    test('is accepted by who has APP_SECRET, once and not for what comes then', async () => {
      await superuser.query(`${REWRITE}; ${AGE}`);
      await afresh(async ({ sealer, verifier }) => {
        await sealer.accept();
        expect(await faults(verifier)).toEqual([]);
      });
      const kept = await superuser.query(`SELECT * FROM audit_chain WHERE place = 'accepted'`);
      await superuser.query(`${REWRITE}; ${HIDE_USERS}`);
      await afresh(begin);
      await superuser.query(SHOW_USERS);
      const { number, seal, mac } = kept.rows[0];
      await superuser.query(`INSERT INTO audit_chain VALUES ('accepted', $1, $2, $3)`, [number, seal, mac]);
      expect(await afresh(({ verifier }) => faults(verifier))).toEqual(['seal_late 1']);
    });
  });

  test.each([`now() - interval '2 hours'`, `now() + interval '2 hours'`, `'infinity'`, `'-infinity'`])(
    'an entry of %s, added by the front door, is sealed too late to count',
    async (at) => {
      await database.query(`INSERT INTO audit_events (id, type, at) VALUES ('${id(73)}', 'auth.login', ${at})`);
      expect(await afresh(({ verifier }) => faults(verifier))).toEqual(['seal_late 18']);
    },
  );

  test('a thousand entries added are named, and that there are more is said', async () => {
    await superuser.query(
      `INSERT INTO audit_events (id, type) SELECT gen_random_uuid(), 'auth.login' FROM generate_series(1, 1001)`,
    );
    const found = (await audit.verifier.verify()).faults;
    expect(found.filter(({ kind }) => kind === 'entry_added')).toHaveLength(1_000);
    expect(found.at(-1)).toMatchObject({ kind: 'chain_broken', detail: expect.stringContaining('More entries') });
  });

  test('who holds the chain is named by the check, and by the server once entries wait for long', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    await superuser.query('SELECT pg_advisory_lock($1)', [AUDIT_LOCK]);
    await database.query(`INSERT INTO audit_events (id, type) VALUES ('${id(74)}', 'auth.login')`);
    await superuser.query(`UPDATE audit_events SET at = at - interval '2 minutes' WHERE id = '${id(74)}'`);
    await afresh(async (fresh) => {
      await fresh.sealer.onApplicationBootstrap();
      fresh.sealer.onModuleDestroy();
      await waitFor(async () => error.mock.calls.length, { until: (calls) => calls > 0 });
      expect(error.mock.calls).toEqual([[expect.stringContaining('holds the lock')]]);
      const { faults: found } = await fresh.verifier.verify(undefined, undefined, 1);
      expect(found.map(({ detail }) => detail)).toEqual([
        expect.stringContaining('holds the lock'),
        expect.stringContaining('have no seal'),
      ]);
    });
    await superuser.query('SELECT pg_advisory_unlock($1)', [AUDIT_LOCK]);
    error.mockRestore();
  });

  test('a server that sees the chain set back adds nothing to it, so that it stays visible', async () => {
    await superuser.query('DELETE FROM audit_seals WHERE number = 17');
    await database.query(`INSERT INTO audit_events (id, type) VALUES ('${id(75)}', 'auth.login')`);
    await expect(audit.sealer.sealAll()).rejects.toThrow('does not end with its last seal');
    expect((await audit.verifier.verify()).waiting).toBe(1);
  });

  test('with another APP_SECRET nothing verifies', async () => {
    const stranger = await openAuditModule(database.url, 'another-secret-another-secret-another');
    expect((await stranger.verifier.verify()).faults.length).toBeGreaterThan(ENTRIES);
    await stranger.close();
  });

  test('the command says which entry, and ends with 1', async () => {
    await superuser.query(change(12, `type = 'auth.logout'`));
    const report = await cliJson<{ faults: AuditFault[] }>(database.url, ['audit:verify']);
    expect(report.faults).toEqual([
      { kind: 'entry_changed', subject: id(12), detail: `Entry ${id(12)} of seal 15 was changed.` },
    ]);
    // To accept what came late makes nothing else good.
    expect(await cliJson(database.url, ['audit:accept'])).toMatchObject({ faults: report.faults });
    expect(await database.query(`SELECT number::integer FROM audit_chain WHERE place = 'accepted'`)).toEqual([
      { number: 17 },
    ]);
  });
});

const REFUSED = /permission denied|must be owner|must be able to SET ROLE/;

function tens(n: number, kind: string): string[] {
  return Array.from({ length: 10 }, (_, index) => `${kind} ${n * 10 + index}`);
}

describe('the log only grows', () => {
  test.each([
    ['UPDATE audit_events SET type = type'],
    ['DELETE FROM audit_events'],
    ['TRUNCATE audit_events'],
    ['DELETE FROM audit_seals'],
    ['UPDATE audit_seals SET number = number'],
    [`SET gatehouse.audit_retention = 'on'; UPDATE audit_events SET type = type`],
  ])('%s is refused', async (sql) => {
    await expect(database.query(sql)).rejects.toThrow(/takes new entries only|permission denied/);
    await database.query('RESET gatehouse.audit_retention');
  });

  test('where the server has set Postgres up, its role may not even try', async () => {
    const [owner] = await database.query<{ rolname: string }>(
      `SELECT rolname FROM pg_roles WHERE oid = (SELECT relowner FROM pg_class WHERE oid = 'audit_events'::regclass)`,
    );
    if (process.env.GATEHOUSE_FOREIGN_POSTGRES) return expect(owner?.rolname).not.toBe('gatehouse_audit');
    expect(owner?.rolname).toBe('gatehouse_audit');
    await database.query(`SET gatehouse.audit_retention = 'on'`);
    for (const table of ['audit_events', 'audit_seals', 'audit_unsealed', 'audit_chain']) {
      for (const sql of [
        `DELETE FROM ${table}`,
        `UPDATE ${table} SET ${/seals|chain/.test(table) ? 'number = number' : 'id = id'}`,
        `TRUNCATE ${table}`,
        `DROP TABLE ${table} CASCADE`,
        `ALTER TABLE ${table} DISABLE TRIGGER ALL`,
        `ALTER TABLE ${table} RENAME TO mine`,
        `CREATE RULE mine AS ON INSERT TO ${table} DO INSTEAD NOTHING`,
        `CREATE TABLE mine () INHERITS (${table})`,
      ]) {
        await expect(database.query(sql)).rejects.toThrow(REFUSED);
      }
    }
    for (const sql of [
      `INSERT INTO audit_unsealed VALUES ('${id(12)}')`,
      `INSERT INTO audit_seals SELECT number + 100, sealed_at, ids, macs, mac, sha256('mine') FROM audit_seals`,
      'DROP TRIGGER audit_events_append_only ON audit_events',
      'DROP FUNCTION audit_events_await_seal CASCADE',
      'DROP FUNCTION audit_events_tally CASCADE',
      `CREATE OR REPLACE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
      `ALTER FUNCTION audit_cut SET search_path = mine`,
      `CREATE OR REPLACE FUNCTION actor_kind(entry audit_events) RETURNS text LANGUAGE sql IMMUTABLE RETURN 'system'`,
      'DROP FUNCTION actor_kind',
      'DROP SCHEMA gatehouse CASCADE',
      'ALTER SCHEMA gatehouse RENAME TO mine',
      'SET ROLE gatehouse_audit',
      'GRANT gatehouse_audit TO gatehouse',
      'SET session_replication_role = replica',
    ]) {
      await expect(database.query(sql)).rejects.toThrow(REFUSED);
    }
    await database.query('RESET gatehouse.audit_retention');
  });

  test('its functions take no entry twice, and give none away for less than what APP_SECRET gives', async () => {
    const [before] = await database.query('SELECT count(*) FROM audit_events');
    const sealing = (entry: string) => appending(1, `ARRAY['${entry}'::uuid]`, '$1::bytea', [releaseOfLast]);
    const [last] = await database.query<{ mac: Buffer }>('SELECT mac FROM audit_seals ORDER BY number DESC LIMIT 1');
    const releaseOfLast = audit.macs.releaseOf(last?.mac ?? Buffer.alloc(0));
    await expect(sealing(id(12))).rejects.toThrow('each once');
    await expect(sealing(id(98))).rejects.toThrow('each once');
    for (const shown of [`'mine'`, 'mac', 'release', `''`, 'NULL']) {
      await expect(
        database.query(`SELECT audit_cut(1, ${shown}::bytea) FROM audit_seals WHERE number = 1`),
      ).rejects.toThrow('does not release it');
    }
    expect(await database.query('SELECT count(*) FROM audit_events')).toEqual([before]);
    expect(await faults()).toEqual([]);
  });
});

/** Calls what a server calls to seal, `step` numbers after the end of the chain. */
function appending(step: number, ids: string, shown: string, values: unknown[] = []): Promise<unknown[]> {
  return database.query(
    `SELECT audit_append(number + ${step}, now(), ${ids}, repeat('a', 16 * cardinality(${ids}))::bytea, mac, sha256('mine'), mac, ${shown})
     FROM audit_seals ORDER BY number DESC LIMIT 1`,
    values,
  );
}

describe('SQL of the role of the server cannot stop the sealing', () => {
  const NOTHING = `'{}'::uuid[]`;

  test.each([`'mine'::bytea`, 'mac', 'release', `''::bytea`, 'NULL'])('not by a seal that shows %s', async (shown) => {
    for (const step of [-1, 0, 1, 2, 81])
      await expect(appending(step, NOTHING, shown)).rejects.toThrow('does not follow the end of the chain');
  });

  test('not by another place of the chain, nor by another beginning', async () => {
    for (const place of ['head', 'anchor', 'accepted'])
      await expect(
        database.query(`SELECT audit_place('${place}', 99, sha256('mine'), sha256('mine'), 'mine')`),
      ).rejects.toThrow('another end');
    await database.query(`SELECT audit_begin(0, sha256('mine'), sha256('mine'), sha256('mine'))`);
    await database.query(`SELECT audit_begin(number, seal, mac, sha256('mine')) FROM audit_chain`);
  });

  test('not by a queue of things that are no entries', async () => {
    await database.query('CREATE TABLE mine (id uuid)');
    try {
      await expect(
        database.query(`
          CREATE TRIGGER mine AFTER INSERT ON mine REFERENCING NEW TABLE AS added FOR EACH STATEMENT
            EXECUTE FUNCTION audit_events_await_seal();
          INSERT INTO mine VALUES (gen_random_uuid())`),
      ).rejects.toThrow(/permission denied|only entries of the audit log/);
    } finally {
      await database.query('DROP TABLE mine');
    }
  });

  test('the next entry is sealed after all of it', async () => {
    await database.query(`INSERT INTO audit_events (id, type) VALUES ('${id(90)}', 'auth.login')`);
    await audit.sealer.sealAll();
    const report = await audit.verifier.verify();
    expect([report.faults, report.waiting]).toEqual([[], 0]);
  });

  afterAll(async () => {
    await audit.close();
    await restore();
    audit = await openAuditModule(database.url);
  });
});

describe('retention', () => {
  // A audit that has seen a later state takes the restored one for a chain that was set back, as it should.
  beforeEach(async () => {
    await audit.close();
    audit = await openAuditModule(database.url);
  });
  afterEach(restore);

  test('cuts whole seals that are past their age, and what is left verifies from its anchor', async () => {
    const all = await audit.verifier.verify();
    await database.query(`INSERT INTO audit_events (id, type) VALUES ('${id(80)}', 'auth.login')`);
    await audit.sealer.sealAll();
    const [seal] = (
      await superuser.query(
        `SELECT extract(epoch FROM clock_timestamp() - sealed_at) * 1000 AS age FROM audit_seals WHERE number = 17`,
      )
    ).rows;
    expect(await audit.retention.cut(Number(seal.age) - 1)).toBe(all.entries);
    const left = await audit.verifier.verify(all.head ?? undefined);
    expect(left).toMatchObject({ entries: 1, seals: 1, faults: [] });
    expect(await audit.retention.cut(0)).toBe(1);
    expect(await audit.verifier.verify()).toMatchObject({ entries: 0, seals: 0, faults: [] });
    await database.query(`INSERT INTO audit_events (id, type) VALUES ('${id(81)}', 'auth.login')`);
    expect(await audit.verifier.verify()).toMatchObject({ entries: 1, seals: 1, faults: [] });
  });

  test('cuts nothing from the first fault on', async () => {
    await superuser.query(change(0, `type = 'auth.logout'`));
    expect(await audit.retention.cut(0)).toBe(0);
    expect(await faults()).toEqual(['entry_changed 0']);
  });
});

test('a server seals what happens within a second or so, from two instances into one chain', async () => {
  const own = await createDatabase();
  const gatehouses = await Promise.all([1, 2].map(() => Gatehouse.start({ DATABASE_URL: own.url })));
  await Promise.all(Array.from({ length: 60 }, (_, n) => signUp(gatehouses[n % 2]!)));
  const waiting = () => own.query('SELECT FROM audit_unsealed');
  expect(await waitFor(waiting, { until: (rows) => rows.length === 0 })).toEqual([]);
  const admin = await withRoles(gatehouses[0]!, own, 'admin');
  await gatehouses[0]!.call('PUT', '/v1/roles/x', { body: { permissions: [] }, token: admin.accessToken });
  await Promise.all(gatehouses.map((gatehouse) => gatehouse.stop()));
  expect(await waiting()).toEqual([]);
  // More than that where a registration was told 503 and had been made.
  const written = await own.query('SELECT FROM audit_events');
  expect(written.length).toBeGreaterThanOrEqual(63);
  const witness = await openAuditModule(own.url);
  expect(await witness.verifier.verify()).toMatchObject({ entries: written.length, faults: [] });
  await witness.close();
  await own.drop();
});
