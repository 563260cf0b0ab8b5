import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Audit } from '../audit/audit.service.js';
import type { Client } from '../common/client.js';
import { Clock } from '../common/clock.js';
import { newId } from '../common/id.js';
import { seal, unseal } from '../common/sealed.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import type { SigningAlgorithm } from '../config/signing-key.js';
import { Database } from '../database/database.js';
import { DatabaseListener } from '../database/listener.js';
import { LEEWAY } from './claims.js';
import {
  exportSecret,
  generateSecret,
  importSecret,
  type PublicJwk,
  type SigningKey,
  toPublicJwk,
  toSigningKey,
} from './signing-key.js';
import { WrongAppSecretError } from './wrong-app-secret-error.js';

/** How long a key is published before it signs: longer than a client may keep the JWKS. */
export const PUBLISH_AHEAD = 10 * 60_000;
const LOOK_FOR_ROTATION = 60_000;
/** Any number: it only must be the same for every instance. */
const KEY_LOCK = 4_711_002;

/** Who rotates a key, for the audit log; nobody where its time has come. */
interface KeyActor {
  actorId: string | null;
  client: Client | null;
  operator?: string;
}

const NOBODY: KeyActor = { actorId: null, client: null };

interface KeyRow {
  kid: string;
  alg: SigningAlgorithm;
  sealed: Buffer;
  signs_from: Date;
}

/**
 * The keys that sign and verify access tokens: made here, kept sealed in the database, the same on every instance.
 * A rotation overlaps: the next key is published before it signs, and the last one verifies until its last token died.
 */
@Injectable()
export class SigningKeys implements OnModuleDestroy {
  private readonly logger = new Logger(SigningKeys.name);
  private readonly sealingKey: Buffer;
  private keys = new Map<string, SigningKey>();
  /** Grows whenever another set of keys is in use. */
  edition = 0;
  private timer: NodeJS.Timeout | undefined;
  private loading: Promise<void> = Promise.resolve();
  private warned = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly listener: DatabaseListener,
    private readonly clock: Clock,
    private readonly audit: Audit,
  ) {
    this.sealingKey = config.deriveKey('signing keys');
  }

  /**
   * Loads the keys, and makes the first one where there is none.
   * Throws WrongAppSecretError in production when the stored keys were sealed under another APP_SECRET.
   */
  async start(): Promise<void> {
    const { provided } = this.config.signing;
    if (provided) {
      this.keys = new Map([[provided.kid, toSigningKey(provided.kid, provided.alg, provided.key, 0)]]);
      return;
    }
    // The first key signs at once, and so does the first of another algorithm: the operator restarted to get it.
    await this.ensureKey((newest) => newest.alg !== this.config.signing.alg);
    this.listener.on(
      'keys',
      () => void this.reload().catch(() => this.logger.warn('The signing keys could not be read again')),
    );
    this.listener.onCatchUp(() => this.load());
    this.timer = setInterval(() => void this.ensureKey(() => false).catch(() => undefined), LOOK_FOR_ROTATION).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** The key that signs now. */
  current(): SigningKey {
    const now = this.clock.now();
    let newest: SigningKey | undefined;
    for (const key of this.keys.values()) {
      if (key.signsFrom <= now && (!newest || key.signsFrom > newest.signsFrom)) newest = key;
    }
    // Where our clock is behind the database's, not even the first key signs yet; it is the one to use all the same.
    const [oldest] = this.keys.values();
    const key = newest ?? oldest;
    if (!key) throw new Error('There is no key to sign with');
    return key;
  }

  /** The key of this id that may verify a token signed with this algorithm. The key decides, never the token. */
  verifier(kid: string, alg: string): SigningKey | undefined {
    const key = this.keys.get(kid);
    return key?.alg === alg ? key : undefined;
  }

  /** What JWKS publishes: the keys that sign, are about to, or signed what may still live. */
  published(): PublicJwk[] {
    return [...this.keys.values()].flatMap((key) => toPublicJwk(key) ?? []);
  }

  /**
   * Makes the next key and publishes it; it signs after PUBLISH_AHEAD, so that every verifier has it by then.
   * Returns its id. The key before it verifies until its last token has expired.
   */
  async rotate(actor: KeyActor = NOBODY): Promise<string> {
    if (this.config.signing.provided) throw new Error('JWT_SIGNING_KEY is set: rotate it where it is kept.');
    const kid = await this.database.transaction((manager) => this.insertNext(manager, actor));
    await this.load();
    return kid;
  }

  /** Makes a key where there is none that can sign, or where the newest has served its time. */
  private async ensureKey(algorithmChanged: (newest: SigningKey) => boolean): Promise<void> {
    await this.database.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [KEY_LOCK]);
      const newest = (await this.readable(manager)).at(-1);
      if (!newest) await this.insert(0, manager);
      else if (algorithmChanged(newest)) await this.insertNext(manager, NOBODY, 0);
      else if (newest.signsFrom + this.config.signing.keyLifetime - PUBLISH_AHEAD < this.clock.now())
        await this.insertNext(manager, NOBODY);
    });
    await this.load();
    await this.forgetDead();
  }

  /** Makes the key that follows, and writes that down. The first key of all follows none. */
  private async insertNext(
    manager: EntityManager,
    { actorId, client, operator }: KeyActor,
    ahead = PUBLISH_AHEAD,
  ): Promise<string> {
    const kid = await this.insert(ahead, manager);
    const data = { kid, ...(operator !== undefined && { operator }) };
    await this.audit.record({ type: 'key.rotated', actorId, userId: null, client, data }, manager);
    return kid;
  }

  private async insert(ahead: number, manager = this.database.manager): Promise<string> {
    const { alg } = this.config.signing;
    const kid = newId();
    const sealed = seal(exportSecret(await generateSecret(alg)), this.sealingKey, kid);
    await manager.query(
      `INSERT INTO signing_keys (kid, alg, sealed, signs_from) VALUES ($1, $2, $3, now() + $4 * interval '1 ms')`,
      [kid, alg, sealed, ahead],
    );
    return kid;
  }

  /** One reading after the other, so that an older one never has the last word. */
  private load(): Promise<void> {
    this.loading = this.loading.catch(() => undefined).then(() => this.read());
    return this.loading;
  }

  private async read(): Promise<void> {
    const keys = new Map((await this.readable()).map((key) => [key.kid, key]));
    const isSame = [...keys.keys()].join() === [...this.keys.keys()].join();
    if (!isSame) this.edition++;
    this.keys = keys;
  }

  /** After a change by whomever; somebody may have removed every key, as one does when they have leaked. */
  private async reload(): Promise<void> {
    await this.load();
    if (this.keys.size === 0) await this.ensureKey(() => false);
  }

  /** The stored keys that this APP_SECRET opens, oldest first. */
  private async readable(manager = this.database.manager): Promise<SigningKey[]> {
    const rows = await manager.query<KeyRow[]>(
      'SELECT kid, alg, sealed, signs_from FROM signing_keys ORDER BY signs_from, kid',
    );
    const keys = rows.flatMap((row) => this.open(row) ?? []);
    if (keys.length < rows.length) {
      if (this.config.production) throw new WrongAppSecretError();
      if (!this.warned) {
        this.logger.warn(
          'Some signing keys were sealed under another APP_SECRET and are left aside; their sessions are lost',
        );
      }
      this.warned = true;
    }
    return keys;
  }

  private open(row: KeyRow): SigningKey | null {
    const bytes = unseal(row.sealed, this.sealingKey, row.kid);
    return bytes && toSigningKey(row.kid, row.alg, importSecret(row.alg, bytes), row.signs_from.getTime());
  }

  /** Removes keys whose last token has expired: those that were followed by another one a token life ago. */
  private async forgetDead(): Promise<void> {
    await this.database.manager.query(
      `DELETE FROM signing_keys WHERE kid IN (
         SELECT kid FROM (SELECT kid, lead(signs_from) OVER (ORDER BY signs_from, kid) AS followed FROM signing_keys) AS keys
         WHERE followed < now() - $1 * interval '1 ms')`,
      [this.config.accessTokenTtl + 2 * LEEWAY * 1000 + 60_000],
    );
  }
}
