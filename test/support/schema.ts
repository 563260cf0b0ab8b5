import type { DataSource } from 'typeorm';

/** What is not ours: TypeORM's own table, and what an extension brought, which others may use and no migration removes. */
const OURS = `
  oid NOT IN (SELECT objid FROM pg_depend WHERE deptype = 'e')`;
const RELATIONS = `
  SELECT * FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND ${OURS}
    AND relname NOT LIKE 'migrations%' AND relkind IN ('r', 'S', 'v')`;

/** One line for each thing there is. The order of the columns is left out: a column that comes back comes last. */
const SCHEMA = `
  WITH relations AS (${RELATIONS}),
    functions AS (SELECT * FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND ${OURS})
  SELECT concat_ws(' ', 'schema owned by', nspowner::regrole, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(nspacl) AS a))
      FROM pg_namespace WHERE nspname = current_schema()
  UNION ALL SELECT concat_ws(' ', 'relation', relname, relkind, relpersistence, relowner::regrole, reloptions::text,
      (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(coalesce(relacl, acldefault('r', relowner))) AS a)) FROM relations
  UNION ALL SELECT concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
      pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
      FROM relations JOIN pg_attribute a ON attrelid = relations.oid AND attnum > 0 AND NOT attisdropped
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      WHERE relkind <> 'S'
  UNION ALL SELECT concat_ws(' ', 'constraint', relname, conname, pg_get_constraintdef(c.oid), convalidated)
      FROM relations JOIN pg_constraint c ON conrelid = relations.oid WHERE contype <> 'n'
  UNION ALL SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid)
      FROM relations JOIN pg_index ON indrelid = relations.oid
  UNION ALL SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), tgenabled)
      FROM relations JOIN pg_trigger t ON tgrelid = relations.oid WHERE NOT tgisinternal
  UNION ALL SELECT concat('function ', proname, '(', pg_get_function_identity_arguments(oid), ') ', proowner::regrole, ' ',
      pg_get_functiondef(oid), obj_description(oid, 'pg_proc')) FROM functions
  UNION ALL SELECT concat_ws(' ', 'comment', relname, obj_description(oid, 'pg_class'))
      FROM relations WHERE obj_description(oid, 'pg_class') IS NOT NULL
  ORDER BY 1`;

/** The schema, a line for each table, column, constraint, index, trigger and function, with owners and grants. */
export async function describeSchema(source: DataSource): Promise<string[]> {
  const rows = await source.query<Record<string, string>[]>(SCHEMA);
  return rows.map((row) => Object.values(row)[0] ?? '');
}

/** The values of every column of every table, in the order of its first column, as JSON. */
export async function rowsOf(source: DataSource): Promise<Map<string, Map<string, string>>> {
  const tables = await source.query<{ table: string; key: string }[]>(
    `SELECT relname AS table, (SELECT attname FROM pg_attribute WHERE attrelid = r.oid AND attnum = 1) AS key
     FROM (${RELATIONS}) AS r WHERE relkind = 'r' ORDER BY 1`,
  );
  const found = new Map<string, Map<string, string>>();
  for (const { table, key } of tables) {
    const rows = await source.query<{ row: Record<string, unknown> }[]>(
      `SELECT to_jsonb(t) AS row FROM "${table}" t ORDER BY t."${key}"::text, to_jsonb(t)::text`,
    );
    const columns = await source.query<{ name: string }[]>(
      'SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped',
      [table],
    );
    found.set(table, new Map(columns.map(({ name }) => [name, JSON.stringify(rows.map(({ row }) => row[name]))])));
  }
  return found;
}

/** The counts, folded or not; none where there are no such tables. */
export async function totalsOf(source: DataSource): Promise<unknown[]> {
  const [counted] = await source.query<{ there: boolean }[]>(`SELECT to_regclass('tallies') IS NOT NULL AS there`);
  if (!counted?.there) return [];
  return source.query<unknown[]>(`
    SELECT name, day::text, sum(count)::integer AS count
    FROM (SELECT name, day, count FROM tallies UNION ALL SELECT name, day, delta FROM tally_changes) AS counts
    GROUP BY name, day HAVING sum(count) <> 0 ORDER BY name, day`);
}

const id = (n: number) => `'00000000-0000-7000-8000-00000000000${n}'`;

/** Rows for every table, as the server and its triggers write them. */
export const SEEDS = [
  `INSERT INTO users (id, email, email_key, username, name, email_verified_at, password_hash, status, pending, contested) VALUES
     (${id(1)}, 'Ada@example.com', 'ada@example.com', 'ada', 'Ada', now(), 'h', 'active', false, false),
     (${id(2)}, 'grace@example.com', 'grace@example.com', NULL, NULL, NULL, 'h', 'active', true, true),
     (${id(3)}, 'mallory@example.com', 'mallory@example.com', 'mallory', NULL, now(), NULL, 'disabled', false, false)`,
  `INSERT INTO roles (name, permissions) VALUES ('editor', '{users:read}')`,
  `INSERT INTO user_roles VALUES (${id(1)}, 'admin'), (${id(1)}, 'editor'), (${id(2)}, 'user')`,
  `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods, ip) VALUES
     (${id(4)}, ${id(1)}, sha256('a'), now() + interval '1 day', '{password}', '192.0.2.1'),
     (${id(5)}, ${id(1)}, sha256('b'), now() + interval '2 days', '{password}', '2001:db8::1'),
     (${id(6)}, ${id(3)}, sha256('c'), now() + interval '2 days', '{password}', NULL)`,
  `UPDATE sessions SET refresh_key_hash = sha256('key') WHERE id = ${id(4)}`,
  `UPDATE sessions SET revoked_at = now() WHERE id = ${id(5)}`,
  `DELETE FROM sessions WHERE id = ${id(6)}`,
  `INSERT INTO account_exports VALUES (${id(1)}, ${id(2)}, now() + interval '2 minutes')`,
  `INSERT INTO role_removals (number, role, actor, swept_at) VALUES (0, 'gone', '{"kind":"system","context":null}', now())`,
  `INSERT INTO epochs (role, floor) VALUES (NULL, ${id(0)}), ('editor', ${id(0)})`,
  `UPDATE users SET sessions_floor = '00000000-0001-7000-8000-000000000000', sessions_kept = ${id(4)} WHERE id = ${id(3)}`,
  `INSERT INTO users (id, email, email_key) VALUES (${id(0)}, 'bot@example.com', 'bot@example.com')`,
  `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods, revoked_at, end_reason)
     SELECT gen_random_uuid(), ${id(0)}, sha256('d'), now() + interval '1 day', '{}', now(), 'expired' FROM generate_series(1, 101)`,
  `DELETE FROM users WHERE id = ${id(0)}`,
  `INSERT INTO signing_keys (kid, alg, sealed, signs_from) VALUES ('k', 'ES256', 'sealed', now())`,
  `INSERT INTO app_secret_proof (sealed) VALUES ('sealed')`,
  `INSERT INTO audit_events (id, type, actor_id, user_id, ip) VALUES
     (${id(7)}, 'auth.registered', ${id(1)}, ${id(1)}, '192.0.2.1'), (${id(8)}, 'auth.login', ${id(1)}, ${id(1)}, NULL)`,
  `SELECT audit_seal(1, now(), ARRAY[${id(7)}::uuid], substr(sha256('macs'), 1, 16), sha256('mac'), sha256(sha256('shown')))`,
  `INSERT INTO audit_chain VALUES ('head', 1, sha256('mac'), sha256('head'), sha256(sha256('shown')))`,
  `INSERT INTO guesses (key, wrong, pending, expires_at) VALUES ('k', 2, '{1}', now() + interval '1 hour')`,
  `INSERT INTO quotas VALUES ('k', 1, 2)`,
  `INSERT INTO mail_outbox (id, kind, sealed, recipient, claimed_by) VALUES (${id(9)}, 'reset', 'sealed', 'recipient', ${id(1)})`,
  `INSERT INTO one_time_tokens (hash, purpose, owner_id, user_id, email, email_key, expires_at)
     SELECT sha256(p::bytea), p, ${id(2)}, ${id(2)}, 'grace@example.com', 'grace@example.com', now() + interval '1 hour'
     FROM unnest('{verify_email,reset_password,invitation,change_email,undo_email_change}'::text[]) AS p`,
  `INSERT INTO one_time_tokens (hash, purpose, owner_id, email, email_key, attempts_left, proof, data, expires_at)
     VALUES (sha256('challenge'), 'reset_password', ${id(1)}, 'a', 'a', 4, sha256('proof'), '{}', now() + interval '5 minutes')`,
  `WITH moved AS (DELETE FROM tally_changes WHERE name LIKE 'users.%' RETURNING name, day, delta)
     INSERT INTO tallies SELECT name, day, sum(delta) FROM moved GROUP BY name, day`,
];
