import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, SYSTEM } from '../access/actor.js';
import { Audit } from '../audit/audit.service.js';
import { Clock } from '../platform/common/clock.js';
import { decrypt, encrypt } from '../platform/common/encryption.js';
import { newId } from '../platform/common/id.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { SigningAlgorithm } from '../platform/config/signing-key.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { LINK_NAME } from '../platform/database/feed/link-name.js';
import { ReplicatedTable } from '../platform/database/feed/replicated-table.js';
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
import { FORGET, INSERT, IS_SERVED, type KeyRow, OTHERS, READ } from './signing-key-store.js';

/** How long a key is published before it signs: longer than a client may keep the JWKS. */
export const PUBLISH_AHEAD = 10 * 60_000;
const LOOK_FOR_ROTATION = 60_000;
/** Any number: it only must be the same for every instance. */
const KEY_LOCK = 4_711_002;

/**
 * The keys that sign and verify access tokens: made here, kept sealed in the database, the same on every instance.
 * A rotation overlaps: the next key is published before it signs, and the last one verifies until its last token died.
 */
@Injectable()
export class SigningKeys implements OnModuleDestroy {
  private readonly logger = new Logger(SigningKeys.name);
  private readonly encryptionKey: Buffer;
  private readonly table: ReplicatedTable<SigningKey[]>;
  private keys = new Map<string, SigningKey>();
  private timer: NodeJS.Timeout | undefined;
  private warned = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    feed: DatabaseFeed,
    private readonly clock: Clock,
    private readonly audit: Audit,
    @Inject(LINK_NAME) private readonly linkName: string,
  ) {
    this.encryptionKey = config.deriveKey('signing keys');
    this.table = new ReplicatedTable(feed, clock, {
      name: 'signing keys',
      changes: { keys: 'reload' },
      read: () => this.readable(),
      swap: (keys) => this.swap(keys),
    });
  }

  /** Grows whenever another set of keys is in use. */
  get edition(): number {
    return this.table.edition;
  }

  /** Loads the keys, and makes the first one where there is none. Comes before the link to the database. */
  async start(): Promise<void> {
    const { provided } = this.config.signing;
    if (provided) {
      this.keys = new Map([[provided.kid, toSigningKey(provided.kid, provided.alg, provided.key, 0)]]);
      return;
    }
    await this.ensureKey({ starting: true });
    this.table.follow();
    this.timer = setInterval(() => this.maintain(), LOOK_FOR_ROTATION).unref();
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
   * Makes the next key, of the algorithm in use, and publishes it; it signs after PUBLISH_AHEAD, so that every verifier has
   * it by then. Returns its id. The key before it verifies until its last token has expired.
   */
  async rotate(actor: Actor): Promise<string> {
    if (this.config.signing.provided) throw new Error('JWT_SIGNING_KEY is set: rotate it where it is kept.');
    return this.withKeyLock(async (manager) => {
      const newest = (await this.readable(manager)).at(-1);
      const alg = newest?.alg ?? this.config.signing.alg;
      if (!newest) await this.insert(alg, 0, manager);
      return this.insertNext(alg, PUBLISH_AHEAD, actor, manager);
    });
  }

  /** Makes a key where there is none, where the newest has served its time, and at a start with another algorithm. */
  private async ensureKey({ starting = false } = {}): Promise<void> {
    const { alg, keyLifetime } = this.config.signing;
    await this.withKeyLock(async (manager) => {
      const newest = (await this.readable(manager)).at(-1);
      if (!newest) await this.insert(alg, 0, manager);
      else if (starting && newest.alg !== alg)
        await this.insertNext(alg, await this.aheadOfOthers(manager), SYSTEM, manager);
      else if (await this.isServed(newest, keyLifetime - PUBLISH_AHEAD, manager))
        await this.insertNext(alg, PUBLISH_AHEAD, SYSTEM, manager);
    });
    await this.table.load();
    await this.database.manager.query(FORGET, [
      [...this.keys.keys()],
      this.config.accessTokenTtl + 2 * LEEWAY * 1000 + 60_000,
    ]);
  }

  /** By the database's clock, for the keys of every instance depend on it. */
  private async isServed({ signsFrom }: SigningKey, lifetime: number, manager: EntityManager): Promise<boolean> {
    const [row] = await manager.query<{ served: boolean }[]>(IS_SERVED, [new Date(signsFrom), lifetime]);
    return row?.served ?? false;
  }

  /** A restart with another algorithm switches at once, unless other instances go on: their verifiers must read its key first. */
  private async aheadOfOthers(manager: EntityManager): Promise<number> {
    const others = await manager.query<unknown[]>(OTHERS, [this.linkName]);
    return others.length === 0 ? 0 : PUBLISH_AHEAD;
  }

  /** One instance after the other, so that two do not make a key each. */
  private withKeyLock<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.database.transaction(async (manager) => {
      await manager.query('SELECT pg_catalog.pg_advisory_xact_lock($1::bigint)', [KEY_LOCK]);
      return work(manager);
    });
  }

  /** Makes the key that follows, and writes that down. The first key of all follows none. */
  private async insertNext(
    alg: SigningAlgorithm,
    ahead: number,
    actor: Actor,
    manager: EntityManager,
  ): Promise<string> {
    const { kid, signsFrom } = await this.insert(alg, ahead, manager);
    await this.audit.record({ type: 'key.rotated', actor, userId: null, data: { kid } }, manager);
    this.database.afterCommit(manager, () =>
      this.logger.log(`The next signing key, ${kid} for ${alg}, signs from ${signsFrom.toISOString()}`),
    );
    return kid;
  }

  private async insert(alg: SigningAlgorithm, ahead: number, manager: EntityManager) {
    const kid = newId();
    const sealed = encrypt(exportSecret(await generateSecret(alg)), this.encryptionKey, kid);
    const [row] = await manager.query<{ signsFrom: Date }[]>(INSERT, [kid, alg, sealed, ahead]);
    if (!row) throw new Error('INSERT … RETURNING returned no row');
    return { kid, signsFrom: row.signsFrom };
  }

  private swap(keys: SigningKey[]): boolean {
    const isAnother = keys.map(({ kid }) => kid).join() !== [...this.keys.keys()].join();
    this.keys = new Map(keys.map((key) => [key.kid, key]));
    // Every key may have been deleted by hand, as is done when they have leaked.
    if (keys.length === 0) this.maintain();
    return isAnother;
  }

  /** The stored keys that this APP_SECRET opens, oldest first. A server has asked for its proof before. */
  private async readable(manager = this.database.manager): Promise<SigningKey[]> {
    const rows = await manager.query<KeyRow[]>(READ);
    const keys = rows.flatMap((row) => this.open(row) ?? []);
    if (keys.length < rows.length && !this.warned) {
      this.logger.warn('Some signing keys do not open with this APP_SECRET, or are unfit to sign, and are left aside');
      this.warned = true;
    }
    return keys;
  }

  private open(row: KeyRow): SigningKey | null {
    const bytes = decrypt(row.sealed, this.encryptionKey, row.kid);
    const secret = bytes && importSecret(row.alg, bytes);
    return secret && toSigningKey(row.kid, row.alg, secret, row.signs_from.getTime());
  }

  private maintain(): void {
    this.ensureKey().catch((error) => this.logger.warn(`The signing keys could not be maintained: ${error}`));
  }
}
