import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** No statement reads or changes as many rows as there happen to be of what users can make more of. */
const SRC = fileURLToPath(new URL('../src/', import.meta.url));

const GROWING =
  /\b(FROM|JOIN|UPDATE) (users|sessions|audit_events|audit_seals|audit_unsealed|user_roles|held_roles|role_removals|roles|one_time_tokens|mail_outbox|known_addresses|changes|session_sweeps|session_tombstones|guesses|quotas|tally_changes|passwords|account_exports)\b/;

/** A limit, one row whatever there is, a key of which there is one row, or keys that the caller has counted. */
const BOUNDED = [
  /\bLIMIT\b/,
  /\bEXISTS \(|\bcount\(/,
  /\b(id|session_id|email_key|number|key) = (\$\d|ANY \(|\(SELECT|known\.id|given\.id|s\.user_id)/,
  /\busers\.id = given\.id/,
  /\bFROM (roles|passwords|account_exports) WHERE (name|user_id) = (\$1|ANY \()/,
  /\bUPDATE (passwords|account_exports) SET [^;]* WHERE user_id = \$1\b/,
];

/** Parts of statements, which are bounded where they are put together, and statements that need no bound for a reason. */
const EXCEPTIONS: Record<string, string> = {
  'admin/session-administration.service.ts: SELECT name FROM roles':
    'roles are made by administrators, and each instance has all of them in memory',
  'admin/user-directory.service.ts: SELECT ${COLUMNS}, hit.number::text FROM users_search($5::te':
    'the function takes the limit',
  'audit/audit.service.ts: SELECT id, type, actor_id, user_id, host(ip) AS ip, user_age':
    'part of the lists, each with a limit',
  'auth/one-time-tokens/one-time-token-store.ts: SELECT u.id, u.email, u.username FROM one_time_tokens t JOIN':
    'LIVE names the hash',
  'auth/one-time-tokens/one-time-token-store.ts: DELETE FROM one_time_tokens t WHERE ${LIVE} AND t.proof IS N':
    'LIVE names the hash',
  'auth/one-time-tokens/one-time-token-store.ts: UPDATE one_time_tokens t SET attempts_left = t.attempts_left':
    'LIVE names the hash',
  'auth/one-time-tokens/one-time-token-store.ts: DELETE FROM one_time_tokens WHERE owner_id = $1 AND purpose ':
    'one of a purpose; undo links are as many as addresses were confirmed in three days',
  'platform/database/feed/look.ts: SELECT number, kind, id, ver, roles, floor, kept, disabled F':
    'what one transaction has changed, or what came since the last look',
  "platform/mail/mail-store.ts: DELETE FROM mail_outbox WHERE recipient = $1 AND due_at < 'i":
    'mails to one address are counted before they are written',
  'platform/rate-limiting/trusted-networks.ts: DELETE FROM known_addresses WHERE user_id = $1':
    'once, where an account is taken over that nobody had confirmed',
  'roles/role-permissions-cache.ts: SELECT name, permissions FROM roles': 'the copy in memory is all of them',
  'roles/role-sweeper.service.ts: DELETE FROM user_roles WHERE role = $1 AND number <= $2 AND ':
    'the users are a counted batch',
  'roles/role-sweeper.service.ts: UPDATE role_removals SET actor = $2 WHERE role = $1 AND swep':
    'removals of one role whose rows are not gone yet',
  'roles/roles.service.ts: DELETE FROM user_roles WHERE role = $1 AND user_id = ANY ($2':
    'the users are those of a limited statement',
  'sessions/session-store.ts: s.id AS "sessionId", s.expires_at AS "sessionExpiresAt", coa':
    'part of statements on one session',
  'users/user-store.ts: u.id, u.username, u.email, u.email_verified_at, u.name, u.ve':
    'part of statements on one user or with a limit',
  'users/user-store.ts: SELECT u.id, p.hash AS "passwordHash", u.status FROM users u':
    'part of statements with a unique key',
  'users/user-store.ts: SELECT FROM roles WHERE name IN (SELECT role FROM held_roles': 'the roles of one user',
  'users/user-store.ts: DELETE FROM user_roles WHERE user_id = $1 AND role <> ALL ($': 'the roles of one user',
};

const statements = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
  .sort()
  .flatMap((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    const found: { path: string; sql: string }[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isTemplateExpression(node) || ts.isStringLiteralLike(node)) {
        const sql = node.getText().slice(1, -1).replace(/\s+/g, ' ').trim();
        if (GROWING.test(sql)) found.push({ path, sql });
        return;
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true));
    return found;
  });

test('every statement on what can grow has a limit, a unique key or a reason', () => {
  expect(statements.length).toBeGreaterThan(80);
  const unbounded = statements
    .filter(({ sql }) => !BOUNDED.some((form) => form.test(sql)))
    .map(({ path, sql }) => `${path}: ${sql.slice(0, 60)}`);
  expect([...new Set(unbounded)]).toEqual(Object.keys(EXCEPTIONS));
});
