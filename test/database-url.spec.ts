import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explainFailure } from '../src/app/startup-errors.js';
import { parseDatabaseUrl } from '../src/platform/config/database-url.js';
import { withClient } from '../src/platform/database/short-client.js';
import { createDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { TlsPostgres } from './support/tls-postgres.js';
import { signUp } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** What DATABASE_URL may say besides a host, with real servers: it works as said, or one sentence says why not. */
let postgres: TlsPostgres;

beforeAll(async () => {
  postgres = await TlsPostgres.start();
});

afterAll(() => postgres?.stop());

const ANYBODY = 'host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256';
const WITH_TLS = ANYBODY.replaceAll('host ', 'hostssl ');

/** Whether a connection is encrypted; or the sentence that a start would end with, and its code. */
async function outcome(url: string) {
  try {
    const sql = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
    return await withClient(parseDatabaseUrl(url), async (client) => (await client.query(sql)).rows[0]);
  } catch (error) {
    return explainFailure(error);
  }
}

const trusting = (mode: string) => ({ sslmode: mode, sslrootcert: postgres.certificates.authority });

test('a server with an authority of its own is reached with sslrootcert, whatever sslmode calls it', async () => {
  await postgres.admit(WITH_TLS);
  for (const mode of ['verify-full', 'require'])
    await waitFor(async () => expect(await outcome(postgres.url(trusting(mode)))).toEqual({ ssl: true }));
  expect(await outcome(postgres.url({ sslmode: 'no-verify' }))).toEqual({ ssl: true });
});

test('one that demands TLS says so, and one whose authority is not known', async () => {
  await postgres.admit(WITH_TLS);
  await waitFor(async () =>
    expect(await outcome(postgres.url())).toEqual({
      exitCode: 78,
      message: expect.stringMatching(
        /^The database lets in nobody with this user, database and address without TLS\. Add \?sslmode=verify-full/,
      ),
    }),
  );
  expect(await outcome(postgres.url({ sslmode: 'require' }))).toEqual({
    exitCode: 78,
    message: expect.stringMatching(/from no authority that this machine knows .*sslrootcert=\/path\/ca\.pem\.$/),
  });
});

test('one that offers no TLS where it is asked for, and one that lets nobody in', async () => {
  await postgres.admit(ANYBODY, false);
  await waitFor(async () =>
    expect(await outcome(postgres.url({ sslmode: 'require' }))).toEqual({
      exitCode: 78,
      message: expect.stringMatching(/^The database offers no TLS, which DATABASE_URL asks for/),
    }),
  );
  expect(await outcome(postgres.url())).toEqual({ ssl: false });
  await postgres.admit('host all nobody 127.0.0.1/32 scram-sha-256', false);
  await waitFor(async () =>
    expect(await outcome(postgres.url())).toEqual({
      exitCode: 78,
      message: expect.stringMatching(/lets in nobody with this user, .* or a line to its pg_hba\.conf/),
    }),
  );
});

test('every connection of a server is encrypted where the URL asks for it', async () => {
  await postgres.admit(WITH_TLS);
  const url = postgres.url(trusting('verify-full'), 'localhost');
  await waitFor(async () => expect(await outcome(url)).toEqual({ ssl: true }));
  const gatehouse = await GatehouseProcess.start({ DATABASE_URL: url, DATABASE_DIRECT_URL: url });
  try {
    await signUp(gatehouse);
    const sql = `SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'gatehouse%'`;
    expect(await withClient(url, async (client) => (await client.query(sql)).rows)).toEqual([{ ssl: true }]);
  } finally {
    await gatehouse.stop();
  }
});

test('a socket in a folder', async () => {
  const database = await createDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-socket-'));
  const { username, password, hostname, port, pathname } = new URL(database.url);
  const server = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    for (const each of [socket, upstream]) each.on('error', () => each.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  try {
    const url = `postgres://${username}:${password}@${pathname}?host=${folder}`;
    const early = GatehouseProcess.launch({ DATABASE_URL: url });
    expect((await early.exited).code).toBe(69);
    expect(early.output).toMatch(/The database cannot be reached \(connect ENOENT .*\.s\.PGSQL\.5432\)/);
    await early.stop();
    server.listen(join(folder, '.s.PGSQL.5432'));
    await once(server, 'listening');
    const gatehouse = await GatehouseProcess.start({ DATABASE_URL: url });
    await signUp(gatehouse);
    await gatehouse.stop();
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
    await database.drop();
  }
});
