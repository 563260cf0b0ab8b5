import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { perSecond } from './load.js';

/** The product's own statement, so that the limit does the same work. */
const { ROTATE } = await import(new URL('../../dist/src/sessions/session-store.js', import.meta.url).href);
const SECONDS = 6;
const DAY = 86_400_000;
/** $4 to $9: both limits in ms, address, user agent, that no address must be confirmed, and no Idempotency-Key. */
const REST = [30 * DAY, 90 * DAY, '127.0.0.1', 'bench', false, null];

/** A session whose counter is 0. @typedef {{ id: string, secretHash: Buffer }} Session */

/**
 * How often a second Postgres alone rotates these sessions, one connection for each: by pgbench, or where there is none
 * from Node. Throws where a rotation changed nothing, because that is quicker.
 * @param {{ url: string, folder: string, ids: string[] }} place
 */
export async function rotationsPerSecond({ url, folder, ids }) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const find = 'SELECT id, secret_hash AS "secretHash" FROM sessions WHERE id = ANY ($1) AND counter = 0';
    const { rows: sessions } = await client.query(find, [ids]);
    const limit = (await byPgbench(url, folder, sessions)) ?? (await fromNode(url, sessions));
    const { rows } = await client.query('SELECT sum(counter)::integer AS done FROM sessions WHERE id = ANY ($1)', [
      ids,
    ]);
    if (rows[0].done < limit.perSecond) throw new Error(`only ${rows[0].done} rotations changed a session`);
    return limit;
  } finally {
    await client.end();
  }
}

/** Null where there is no pgbench. @param {string} url @param {string} folder @param {Session[]} sessions */
async function byPgbench(url, folder, sessions) {
  const each = (/** @type {(session: Session) => string} */ literal) =>
    `(CASE :client_id::int ${sessions.map((session, index) => `WHEN ${index} THEN ${literal(session)}`).join(' ')} END)`;
  const values = [
    each(({ id }) => `'${id}'::uuid`),
    ':counter',
    each(({ secretHash }) => `'\\x${secretHash.toString('hex')}'::bytea`),
    ...REST.map((value) => (typeof value === 'string' ? `'${value}'` : String(value))),
  ];
  const statement = ROTATE.text
    .replace(/\$(\d)/g, (/** @type {string} */ _, /** @type {string} */ place) => values[Number(place) - 1])
    .replaceAll('\n', ' ');
  const script = join(folder, 'rotate.sql');
  await writeFile(script, `${statement};\n\\set counter :counter + 1\n`);
  const clients = String(sessions.length);
  const args = ['-n', '-M', 'prepared', '-c', clients, '-T', String(SECONDS), '-D', 'counter=0', '-f', script, url];
  try {
    const output = execFileSync('pgbench', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    return { by: 'pgbench', perSecond: Number(/tps = ([\d.]+)/.exec(output)?.[1]) };
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return null;
    throw error;
  }
}

/** @param {string} url @param {Session[]} sessions */
async function fromNode(url, sessions) {
  const pool = new pg.Pool({ connectionString: url, max: sessions.length });
  const own = sessions.map((session) => ({ ...session, counter: 0 }));
  const rate = await perSecond(SECONDS, sessions.length, async (worker) => {
    const session = /** @type {Session & { counter: number }} */ (own[worker]);
    await pool.query({ ...ROTATE, values: [session.id, session.counter++, session.secretHash, ...REST] });
  });
  await pool.end();
  return { by: 'pg without pgbench', perSecond: rate };
}
