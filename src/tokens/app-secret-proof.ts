import { Inject, Injectable } from '@nestjs/common';
import { decrypt, encrypt } from '../platform/common/encryption.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import { WrongAppSecretError } from './wrong-app-secret-error.js';

/** What is sealed, and where it belongs: no key has this id. */
const WORDS = 'app secret';

/** $1 sealed. Of two that start at once on a new database the second waits for the first, and then reads what that one wrote. */
const PROVE = 'INSERT INTO app_secret_proof (sealed) VALUES ($1) ON CONFLICT DO NOTHING';

/** Everything that only the right APP_SECRET opens. $1 the place of the proof */
const SEALED = 'SELECT $1 AS place, sealed FROM app_secret_proof UNION ALL SELECT kid, sealed FROM signing_keys';

/** The proof in the database of which APP_SECRET it is used with: signing keys, sessions and passwords depend on that one. */
@Injectable()
export class AppSecretProof {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
  ) {}

  /**
   * Compares APP_SECRET with what is sealed in the database. The first one writes the proof, if no key speaks against it.
   * Throws WrongAppSecretError, and nothing has changed then.
   */
  async check(): Promise<void> {
    const key = this.config.deriveKey('signing keys');
    await this.database.transaction(async (manager) => {
      await manager.query(PROVE, [encrypt(Buffer.from(WORDS), key, WORDS)]);
      const rows = await manager.query<{ place: string; sealed: Buffer }[]>(SEALED, [WORDS]);
      if (rows.some(({ place, sealed }) => decrypt(sealed, key, place) === null)) throw new WrongAppSecretError();
    });
  }
}
