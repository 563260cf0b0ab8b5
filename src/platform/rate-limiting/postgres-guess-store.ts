import type { Database } from '../database/database.js';
import type { GuessRule } from './guess-rules.js';
import type { GuessStore, Outcome, Verdict } from './guess-store.js';

const RESERVE = {
  name: 'guesses-reserve',
  text: 'SELECT rule, wait_ms AS "waitMs", since FROM guesses_reserve($1::jsonb)',
};
const SETTLE = { name: 'guesses-settle', text: 'SELECT guesses_settle($1::jsonb, $2::float8, $3::text)' };
const FORGET = { name: 'guesses-forget', text: 'DELETE FROM guesses WHERE key = ANY ($1::text[])' };

/** Counts guesses in Postgres: one statement each, so that all instances add up exactly. Times are the database's. */
export class PostgresGuessStore implements GuessStore {
  constructor(private readonly database: Database) {}

  async reserve(rules: readonly GuessRule[]): Promise<Verdict> {
    const [row] = await this.database.run<Reserved>(RESERVE, [JSON.stringify(rules)]);
    if (!row) throw new Error('guesses_reserve returned no row');
    return toVerdict(row);
  }

  async settle(rules: readonly GuessRule[], since: number, outcome: Outcome): Promise<void> {
    await this.database.run(SETTLE, [JSON.stringify(rules), since, outcome]);
  }

  async forget(keys: readonly string[]): Promise<void> {
    await this.database.run(FORGET, [keys]);
  }
}

/** A verdict as both shared stores give it: no rule lets in, a rule without a time waits for what is in flight. */
export interface Reserved {
  rule: number | null;
  waitMs: number;
  since: number;
}

export function toVerdict({ rule, waitMs, since }: Reserved): Verdict {
  if (rule === null) return { kind: 'admitted', since };
  return waitMs > 0 ? { kind: 'refused', rule, waitMs } : { kind: 'contended' };
}
