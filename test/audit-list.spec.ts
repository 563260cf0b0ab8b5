import { withRoles } from './support/admins.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { type Answer, Gatehouse } from './support/gatehouse.js';
import type { Schemas } from './support/schemas.js';
import type { SignedUp } from './support/users.js';

/** Every filter of the audit list with every other, page by page, against what plain SQL finds. */
const USERS = [1, 2, 3].map((n) => `00000000-0000-7000-8000-00000000000${n}`);
const TYPES = ['auth.login', 'auth.login_failed', 'role.saved'];

let database: TestDatabase;
let gatehouse: Gatehouse;
let reader: SignedUp;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  reader = await withRoles(gatehouse, database, 'admin');
  // Ids of the moment of the entry, as the server makes them, four in each minute; user 3 has one type alone.
  await database.query(
    `INSERT INTO audit_events (id, type, user_id, at)
     SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008' || lpad(n::text, 15, '0'))::uuid,
       ($2::text[])[CASE WHEN n % 4 = 2 THEN 2 ELSE 1 + n % 3 END], ($1::uuid[])[1 + n % 4], at
     FROM generate_series(1, 240) AS n, LATERAL (SELECT '2026-01-01T00:00:00Z'::timestamptz + n / 4 * interval '1 minute' AS at) AS t`,
    [USERS, TYPES],
  );
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

async function pages(filter: Record<string, string>): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: URLSearchParams = new URLSearchParams({ ...filter, limit: '7', ...(cursor && { cursor }) });
    const { body, status }: Answer<Schemas['AuditPage']> = await gatehouse.call<Schemas['AuditPage']>(
      'GET',
      `/v1/audit?${query}`,
      {
        token: reader.accessToken,
      },
    );
    expect(status).toBe(200);
    ids.push(...body.items.map(({ id }) => id));
    cursor = body.nextCursor;
  }
  return ids;
}

const [FROM, TO] = ['2026-01-01T00:10:00.000Z', '2026-01-01T00:40:00.000Z'];
const TIMES: Record<string, string>[] = [
  {},
  { from: FROM },
  { to: TO },
  { from: FROM, to: TO },
  { from: TO, to: FROM },
];
const FILTERS = [undefined, USERS[0], USERS[2]].flatMap((userId) =>
  [undefined, ...TYPES].flatMap((type) =>
    TIMES.map(
      (times: Record<string, string>): Record<string, string> => ({
        // Nothing but what was put there: reading writes no entry, but signing in has.
        to: '2026-01-02T00:00:00.000Z',
        ...(userId && { userId }),
        ...(type && { type }),
        ...times,
      }),
    ),
  ),
);

test.each(FILTERS)('%j', async (filter: Record<string, string>) => {
  const rows = await database.query<{ id: string }>(
    `SELECT id FROM audit_events WHERE ($1::uuid IS NULL OR user_id = $1) AND ($2::text IS NULL OR type = $2)
       AND ($3::timestamptz IS NULL OR at >= $3) AND at <= $4 ORDER BY id DESC`,
    [filter.userId ?? null, filter.type ?? null, filter.from ?? null, filter.to],
  );
  expect(await pages(filter)).toEqual(rows.map(({ id }) => id));
});

test.each(['0000-01-01T00:00:00Z', '0000-12-31T23:59:59.999Z'])(
  '%s, which no calendar of Postgres has, is refused',
  async (at) => {
    for (const name of ['from', 'to']) {
      const answer = await gatehouse.call<{ code: string }>('GET', `/v1/audit?${name}=${at}`, {
        token: reader.accessToken,
      });
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    }
  },
);
