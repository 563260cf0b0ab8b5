import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type Page, toPage } from '../common/page.js';
import { Database } from '../database/database.js';
import type { UserRow } from './user.js';
import { COLUMNS } from './user-store.js';

/** Which users are asked for; all of them where nothing is said. */
export interface UserFilter {
  /** A part of email, username or name, without regard to case; fewer than three letters: the beginning of a word. */
  query?: string;
  role?: string;
  status?: 'active' | 'disabled';
}

/** Users looked through from the newest on before a search goes to its index. */
const GLANCE = 4_000;

const FITS = `
  ($1::uuid IS NULL OR u.id < $1) AND ($2::text IS NULL OR u.status = $2)
  AND ($3::text IS NULL OR EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = $3))`;

/** $1 before this id, $2 status, $3 role, $4 limit */
const LIST = `SELECT ${COLUMNS} FROM users u WHERE ${FITS} ORDER BY u.id DESC LIMIT $4`;

/** As LIST, from the holders of the role: of a million users few are admins. */
const LIST_ROLE = `
  SELECT ${COLUMNS} FROM user_roles held JOIN users u ON u.id = held.user_id
  WHERE held.role = $3 AND ($1::uuid IS NULL OR held.user_id < $1) AND ($2::text IS NULL OR u.status = $2)
  ORDER BY held.user_id DESC LIMIT $4`;

type Match = 'LIKE' | '~';

/** A search for what many have finds a page among the newest. As LIST, $5 pattern */
const glanceFor = (match: Match) => `
  SELECT ${COLUMNS} FROM (
    SELECT * FROM users WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT ${GLANCE}
  ) AS u WHERE ${FITS} AND u.search_text ${match} lower($5) ORDER BY u.id DESC LIMIT $4`;

/**
 * A search for what few have finds them all by the index. Left to itself Postgres may take the index or walk through a
 * million users by id, on a guess of how many match; the fence makes it find first and sort then. As LIST, $5 pattern
 */
const searchFor = (match: Match) => `
  WITH found AS MATERIALIZED (SELECT u.id FROM users u WHERE u.search_text ${match} lower($5))
  SELECT ${COLUMNS} FROM (
    SELECT u.id FROM found JOIN users u USING (id) WHERE ${FITS} ORDER BY u.id DESC LIMIT $4
  ) AS page JOIN users u USING (id) ORDER BY u.id DESC`;

/**
 * What the index can find: three letters or digits in a row anywhere, fewer at the beginning of a word. What LIKE or a
 * regular expression would read as a sign of its own is a letter like any other.
 */
function patternOf(query: string): { match: Match; pattern: string } {
  const text = query.normalize('NFC');
  if (/[\p{L}\p{N}]{3}|^[^\p{L}\p{N}]/u.test(text)) {
    return { match: 'LIKE', pattern: `%${text.replace(/[\\%_]/g, '\\$&')}%` };
  }
  return { match: '~', pattern: `(^|[^[:alnum:]])${text.replace(/[^\p{L}\p{N}\s]/gu, '\\$&')}` };
}

/** The list of users for admins. */
@Injectable()
export class UserDirectory implements OnApplicationBootstrap {
  private readonly logger = new Logger(UserDirectory.name);

  constructor(private readonly database: Database) {}

  /** Says it when the search has no index, because the extension could not be created when the schema was made. */
  async onApplicationBootstrap(): Promise<void> {
    const [row] = await this.database.manager.query<{ index: string | null }[]>(
      `SELECT to_regclass('users_search') AS index`,
    );
    if (row?.index) return;
    this.logger.warn(
      'Searching users reads the whole table: pg_trgm is not there. Have a superuser run "CREATE EXTENSION pg_trgm" in ' +
        'this database, then "CREATE INDEX CONCURRENTLY users_search ON users USING gin (search_text gin_trgm_ops)".',
    );
  }

  /** The users that fit, newest first. `before` is the id that the last page ended with; who comes later is no part of it. */
  async list({ query, role, status }: UserFilter, limit: number, before: string | null): Promise<Page<UserRow>> {
    const values = [before, status ?? null, role ?? null, limit + 1];
    const rows = query
      ? await this.search(query, values)
      : await this.database.manager.query<UserRow[]>(role === undefined ? LIST : LIST_ROLE, values);
    return toPage(rows, limit);
  }

  private async search(query: string, values: unknown[]): Promise<UserRow[]> {
    const { match, pattern } = patternOf(query);
    const wanted = Number(values[3]);
    const newest = await this.database.manager.query<UserRow[]>(glanceFor(match), [...values, pattern]);
    if (newest.length === wanted) return newest;
    return this.database.manager.query<UserRow[]>(searchFor(match), [...values, pattern]);
  }
}
