import type { Database } from '../database/database.js';
import type { GuessRule } from './guess-rules.js';
import type { GuessStore, Outcome, Verdict } from './guess-store.js';

const RESERVE = { name: 'guesses-reserve', text: 'SELECT rule, wait_ms AS "waitMs" FROM guesses_reserve($1)' };
const SETTLE = { name: 'guesses-settle', text: 'SELECT guesses_settle($1, $2)' };
const FORGET = { name: 'guesses-forget', text: 'DELETE FROM guesses WHERE key = ANY ($1::text[])' };

/** Counts guesses in Postgres: one statement each, so that all instances add up exactly. Times are the database's. */
export class PostgresGuessStore implements GuessStore {
  constructor(private readonly database: Database) {}

  async reserve(rules: readonly GuessRule[]): Promise<Verdict> {
    const [row] = await this.database.run<{ rule: number | null; waitMs: number }>(RESERVE, [JSON.stringify(rules)]);
    if (!row) throw new Error('guesses_reserve returned no row');
    return toVerdict(row.rule, row.waitMs);
  }

  async settle(rules: readonly GuessRule[], outcome: Outcome): Promise<void> {
    await this.database.run(SETTLE, [JSON.stringify(rules), outcome]);
  }

  async forget(keys: readonly string[]): Promise<void> {
    await this.database.run(FORGET, [keys]);
  }
}

/** The verdict as both shared stores give it: no rule lets in, a rule without a time waits for what is in flight. */
export function toVerdict(rule: number | null, waitMs: number): Verdict {
  if (rule === null) return { kind: 'admitted' };
  return waitMs > 0 ? { kind: 'refused', rule, waitMs } : { kind: 'undecided' };
}
