import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { networkOf, networksOf } from '../common/address.js';
import { Clock } from '../common/clock.js';
import { FairQueue } from '../common/fair-queue.js';
import { TwoGenerationCache } from '../common/two-generation-cache.js';
import { Database } from '../database/database.js';
import { Problem } from '../http/problem.js';

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** In the form in which a network is noted, so that the primary key finds it among however many there are. $1 address */
const NETWORK = 'network(set_masklen($1::inet, CASE family($1::inet) WHEN 6 THEN 64 ELSE 32 END))';

/** $1 address, $2 user */
const KNOWS = {
  name: 'known-network',
  text: `SELECT EXISTS (SELECT FROM known_addresses WHERE user_id = $2 AND network = ${NETWORK}) AS knows`,
};

/** $1 address */
const IS_KNOWN = {
  name: 'network-known-to-any',
  text: `SELECT EXISTS (SELECT FROM known_addresses WHERE network = ${NETWORK}) AS knows`,
};

/** $1 address, $2 user */
const ADD = `
  INSERT INTO known_addresses (user_id, network) VALUES ($2, ${NETWORK})
  ON CONFLICT (user_id, network) DO UPDATE SET seen_at = now()`;

/** By the primary key: a user who travels may have very many. $1 user, $2 after this network or null, $3 limit */
const STORED_OF = `
  SELECT k.network::text, k.seen_at AS "seenAt" FROM known_addresses k
  WHERE k.user_id = $1 AND ($2::cidr IS NULL OR k.network > $2) ORDER BY k.network LIMIT $3`;

/** A network from which a user has signed in. */
export interface KnownNetwork {
  network: string;
  seenAt: Date;
}

/** Networks that are asked about at once, and how many may wait: a flood must not take the database from others. */
const ASKED_AT_ONCE = 2;
const MOST_WAITING = 64;
/** Networks whose answer is remembered at most, and for how many milliseconds. */
const REMEMBERED = 20_000;
const MEMORY = 10_000;

/** From where each user has signed in before. A trigger notes it as sessions are opened. */
@Injectable()
export class TrustedNetworks {
  private readonly queue = new FairQueue(ASKED_AT_ONCE, MOST_WAITING, () => new Problem('overloaded'));
  private readonly answers = new TwoGenerationCache<{ knows: boolean; until: number }>(REMEMBERED);

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Whether any account has been signed in to from this address before; what was so a moment ago will do. Made to be asked in
   * a flood: throws a Problem `overloaded` where too many are asked about at once.
   */
  async isKnown(address: string): Promise<boolean> {
    const network = networkOf(address);
    const remembered = this.answers.get(network);
    if (remembered !== undefined && remembered.until > this.clock.elapsed()) return remembered.knows;
    const [row] = await this.queue.run(networksOf(address), () =>
      this.database.run<{ knows: boolean }>(IS_KNOWN, [address]),
    );
    const knows = row?.knows ?? false;
    this.answers.set(network, { knows, until: this.clock.elapsed() + MEMORY });
    return knows;
  }

  /** Whether the account has been signed in to from this address. Asks the same of the database where there is no account. */
  async has(userId: string | null, address: string): Promise<boolean> {
    const [row] = await this.database.run<{ knows: boolean }>(KNOWS, [address, userId ?? NOBODY]);
    return row?.knows ?? false;
  }

  /** Notes the address of an owner who has proved their identity by other means than signing in, in the caller's transaction. */
  async add(userId: string, address: string, manager: EntityManager): Promise<void> {
    await manager.query(ADD, [address, userId]);
  }

  /** Forgets them all, in the caller's transaction: where the account was used by a stranger until now. */
  async removeAllWithin(userId: string, manager: EntityManager): Promise<void> {
    await manager.query('DELETE FROM known_addresses WHERE user_id = $1', [userId]);
  }

  /** What is kept of where the user has signed in from, by network: what follows `after`. */
  storedOf(userId: string, limit: number, after: KnownNetwork | null): Promise<KnownNetwork[]> {
    return this.database.manager.query<KnownNetwork[]>(STORED_OF, [userId, after?.network ?? null, limit]);
  }
}
