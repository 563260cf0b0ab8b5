import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

const NOBODY = '00000000-0000-0000-0000-000000000000';

const KNOWS = {
  name: 'known-address',
  text: 'SELECT EXISTS (SELECT FROM known_addresses WHERE user_id = $1 AND network >>= $2::inet) AS knows',
};

/** From where each user has signed in before. The table is written by a trigger as sessions are opened. */
@Injectable()
export class KnownAddresses {
  constructor(private readonly database: Database) {}

  /** Whether the account has been signed in to from this address. Asks the same of the database where there is no account. */
  async has(userId: string | null, address: string): Promise<boolean> {
    const [row] = await this.database.run<{ knows: boolean }>(KNOWS, [userId ?? NOBODY, address]);
    return row?.knows ?? false;
  }
}
