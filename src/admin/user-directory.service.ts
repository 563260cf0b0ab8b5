import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { cursorOf, idOfCursor, keyOfCursor, type Page, toPage, toPageBy } from '../platform/http/page.js';
import type { UserRow } from '../users/user.js';
import { COLUMNS } from '../users/user-store.js';

/** Which users are asked for; all of them where nothing is said. */
export interface UserFilter {
  /** A part of email, username or name, without regard to case; from a letter on with fewer than three: the beginning of a word. */
  query?: string;
  role?: string;
  status?: 'active' | 'disabled';
}

const FITS = `
  ($1::uuid IS NULL OR u.id < $1) AND ($2::text IS NULL OR u.status = $2)
  AND ($3::text IS NULL OR EXISTS (SELECT FROM held_roles r WHERE r.user_id = u.id AND r.role = $3))`;

/** $1 before this id, $2 status, $3 role, $4 limit */
const LIST = `SELECT ${COLUMNS} FROM users u WHERE ${FITS} ORDER BY u.id DESC LIMIT $4`;

/** As LIST, from the holders of the role: of a million users few are admins. */
const LIST_ROLE = `
  SELECT ${COLUMNS} FROM held_roles held JOIN users u ON u.id = held.user_id
  WHERE held.role = $3 AND ($1::uuid IS NULL OR held.user_id < $1) AND ($2::text IS NULL OR u.status = $2)
  ORDER BY held.user_id DESC LIMIT $4`;

/**
 * The last row has no id where the time was up first.
 * $1 below this number, $2 status, $3 role, $4 limit, $5 text, $6 pattern of a word that begins with it, or null, $7 timeout in ms
 */
const SEARCH = `
  SELECT ${COLUMNS}, hit.number::text FROM users_search($5::text, $6::text, $1::bigint, $3::text, $2::text, $4::integer, $7::integer * interval '1 ms') AS hit
  LEFT JOIN users u ON u.id = hit.id ORDER BY hit.number DESC`;

/** Milliseconds after which a search shows what it has, and where to go on. */
const SEARCH_TIMEOUT = 25;
/** What the number of a user can be, and more than any of them. */
const NUMBER = /^\d{1,18}$/;
const END = '9'.repeat(18);

/** What stands before a word in an address, a username or a name; \u001f at the beginning of each of the three. */
const BEFORE_WORD = `[\u001f .\\-_@+'("]`;

/** The pattern of a word that begins with the text, where it has too few letters to be looked for anywhere; else null. */
function wordOf(text: string): string | null {
  const letters = text.match(/[\p{L}\p{N}]/gu) ?? [];
  if (letters.length >= 3 || !/^[\p{L}\p{N}]/u.test(text)) return null;
  return BEFORE_WORD + text.replace(/[!-/:-@[-`{-~ ]/g, '\\$&');
}

/** A row of SEARCH. */
type Hit = UserRow & { number: string };

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
      `Searching users reads the table: pg_trgm or btree_gin is not there. Have a superuser run "CREATE EXTENSION pg_trgm" and
"CREATE EXTENSION btree_gin" in this database, then "CREATE INDEX CONCURRENTLY users_search ON users USING gin
(((number >> 14)::integer), search_text gin_trgm_ops) WITH (gin_pending_list_limit = 256)".`,
    );
  }

  /**
   * The users that fit, newest first; who comes later is no part of the pages that follow. `cursor` is the nextCursor of the
   * page before. Throws a Problem for a cursor of another list.
   */
  list({ query, role, status }: UserFilter, limit: number, cursor?: string): Promise<Page<UserRow>> {
    const filters = [status ?? null, role ?? null, limit + 1];
    return query === undefined ? this.listAll(filters, limit, cursor) : this.search(query, filters, limit, cursor);
  }

  private async listAll(filters: unknown[], limit: number, cursor?: string): Promise<Page<UserRow>> {
    const statement = filters[1] === null ? LIST : LIST_ROLE;
    const rows = await this.database.manager.query<UserRow[]>(statement, [idOfCursor(cursor), ...filters]);
    return toPage(rows, limit);
  }

  /** The page is short, or empty, where the time was up before it was full; its cursor says where to go on. */
  private async search(query: string, filters: unknown[], limit: number, cursor?: string): Promise<Page<UserRow>> {
    const text = query.normalize('NFC');
    const below = keyOfCursor(cursor, (key) => NUMBER.test(key)) ?? END;
    const values = [below, ...filters, text, wordOf(text), SEARCH_TIMEOUT];
    const rows = await this.database.manager.query<Hit[]>(SEARCH, values);
    const hits = rows.filter((row) => row.id !== null);
    const page = toPageBy(hits, limit, ({ number }) => number);
    const stopped = rows.find((row) => row.id === null);
    return stopped ? { ...page, nextCursor: cursorOf(stopped.number) } : page;
  }
}
