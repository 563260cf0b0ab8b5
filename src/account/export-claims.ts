import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/common/clock.js';
import { Database } from '../platform/database/database.js';

/** Milliseconds after which an instance that has not renewed its claim is taken for dead. */
const LIFE = 120_000;
/** Milliseconds between two renewals at least: most exports are sent in less, and write nothing for it. */
const RENEWAL = 10_000;

/** $1 user, $2 claim, $3 life in ms */
const CLAIM = `
  INSERT INTO account_exports AS e (user_id, claim, expires_at)
  VALUES ($1, $2, clock_timestamp() + $3::float8 * interval '1 ms')
  ON CONFLICT (user_id) DO UPDATE SET claim = excluded.claim, expires_at = excluded.expires_at
    WHERE e.expires_at <= clock_timestamp()
  RETURNING claim`;

/** $1 user, $2 claim, $3 life in ms */
const RENEW = `
  UPDATE account_exports SET expires_at = clock_timestamp() + $3::float8 * interval '1 ms'
  WHERE user_id = $1 AND claim = $2 RETURNING claim`;

/** $1 user, $2 claim */
const RELEASE = 'DELETE FROM account_exports WHERE user_id = $1 AND claim = $2';

/** The right to be the one export of an account. */
export interface ExportClaim {
  /** Keeps the claim alive; call it often. Returns false once another export has taken over. */
  renew(): Promise<boolean>;
  /** Lets the next export begin. */
  release(): Promise<void>;
}

/** Lets one export of an account run at a time, on all instances together. A claim outlives a dead instance by 2 min. */
@Injectable()
export class ExportClaims {
  /** Whose export this instance is sending: what else they ask of it is refused without the database. */
  private readonly sending = new Set<string>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** The claim, or null where another export of the account is under way. */
  async take(userId: string): Promise<ExportClaim | null> {
    if (this.sending.has(userId)) return null;
    this.sending.add(userId);
    const claim = await this.claim(userId).catch((error) => {
      this.sending.delete(userId);
      throw error;
    });
    if (!claim) this.sending.delete(userId);
    return claim;
  }

  private async claim(userId: string): Promise<ExportClaim | null> {
    const values = [userId, randomUUID()];
    const { manager } = this.database;
    const claimed = await manager.query<unknown[]>(CLAIM, [...values, LIFE]);
    if (claimed.length === 0) return null;
    let renewedAt = this.clock.elapsed();
    return {
      renew: async () => {
        if (this.clock.elapsed() - renewedAt < RENEWAL) return true;
        const [renewed] = await manager.query<[unknown[], number]>(RENEW, [...values, LIFE]);
        renewedAt = this.clock.elapsed();
        return renewed.length > 0;
      },
      release: async () => {
        this.sending.delete(userId);
        await manager.query(RELEASE, values);
      },
    };
  }
}
