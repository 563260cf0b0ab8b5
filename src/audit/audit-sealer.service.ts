import { createHash } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Sweeper } from '../common/sweeper.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Database } from '../database/database.js';
import { AuditMacs, byId, ENTRY_MAC, type PlaceName, type SealedEntry, sameMac } from './audit-entry.js';
import * as store from './audit-store.js';

/** Entries of one seal at most. */
const BATCH = 1_000;
/** Milliseconds for which a check or a shutdown waits for its turn. */
export const PATIENCE = 10_000;
/** Milliseconds that an entry waits for its seal at most, where all is well. */
export const OLD = 60_000;
/** The HMAC of no entry. */
const NEVER = Buffer.alloc(ENTRY_MAC);
const LOCK_TIMEOUT = '55P03';

/** Where the chain ends, or begins after retention. */
export interface Place {
  number: string;
  seal: Buffer;
}

/** What the first seal has before it. */
export const BEGINNING: Place = { number: '0', seal: Buffer.alloc(32) };

/** The end of the chain is not where it was left, so nothing is added to it: that would hide what was done. */
export class BrokenChainError extends Error {
  override readonly name = 'BrokenChainError';
}

/** Somebody holds the chain and adds nothing to it. */
export class HeldChainError extends Error {
  override readonly name = 'HeldChainError';
  constructor() {
    super(
      `Another session holds the lock of the audit chain (pg_locks, objid ${store.AUDIT_LOCK}) and seals nothing: end it.`,
    );
  }
}

/**
 * Seals what is written to the audit log, a second later and in batches, so that no sign-in waits for a chain.
 * Each seal is an HMAC over its entries and over the seal before it. Instances take turns.
 */
@Injectable()
export class AuditSealer implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(AuditSealer.name);
  readonly macs: AuditMacs;
  private readonly sweeper = new Sweeper(() => this.pass());
  private running: Promise<void> | undefined;
  private seen: Place | undefined;
  private complained = false;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly database: Database,
  ) {
    this.macs = new AuditMacs(config.deriveKey('audit seals'));
  }

  async onApplicationBootstrap(): Promise<void> {
    this.sweeper.start();
    await this.begin(false);
    this.pass();
  }

  onModuleDestroy(): void {
    this.sweeper.stop();
  }

  /** Told of every entry. A server to which nothing happens asks the database nothing. */
  soon(): void {
    this.sweeper.soon();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.running;
    await this.sealAll().catch((error) => this.complain(error));
  }

  /**
   * Seals everything that is committed and waits. Throws BrokenChainError where the end of the chain was tampered with,
   * HeldChainError where its turn does not come in `patience` milliseconds.
   */
  async sealAll(patience = PATIENCE): Promise<void> {
    while ((await this.sealBatch(store.WAIT_FOR_CHAIN, patience)) === BATCH);
  }

  /**
   * Vouches for what is there, as only who has APP_SECRET can: begins a chain where there is none, seals what waits, and
   * lets every seal stand that came late. Throws as sealAll does.
   */
  async accept(): Promise<void> {
    await this.begin(true);
    await this.sealAll();
    await this.inTurn(store.WAIT_FOR_CHAIN, PATIENCE, async (manager) =>
      this.writePlace('accepted', await this.end(manager), manager),
    );
  }

  /** A place of the chain, or null where there is none yet. Throws BrokenChainError when its HMAC does not fit. */
  async readPlace(place: PlaceName, manager: EntityManager): Promise<Place | null> {
    const [row] = await manager.query<(Place & { mac: Buffer })[]>(store.PLACE, [place]);
    if (!row) return null;
    if (!sameMac(this.macs.ofPlace(place, row.number, row.seal), row.mac)) {
      throw new BrokenChainError(`The place ${place} of the audit chain was written by somebody else.`);
    }
    return { number: row.number, seal: row.seal };
  }

  /** Writes down a place of the chain. */
  async writePlace(place: PlaceName, { number, seal }: Place, manager: EntityManager): Promise<void> {
    await manager.query(store.SET_PLACE, [place, number, seal, this.macs.ofPlace(place, number, seal)]);
  }

  /** A new database has a chain before it has a user. One that is missing later was removed, and only `anew` is replaced. */
  private async begin(anew: boolean): Promise<void> {
    const { number, seal } = BEGINNING;
    await this.database.manager.query(store.BEGIN_CHAIN, [seal, this.macs.ofPlace('head', number, seal), anew]);
  }

  private pass(): void {
    this.running ??= this.sealWaiting()
      .then(() => {
        this.complained = false;
      })
      .catch((error) => this.complain(error))
      .finally(() => {
        this.running = undefined;
      });
  }

  /** The first time also where nothing waits: whoever knows the end of the chain notices when it is set back. */
  private async sealWaiting(): Promise<void> {
    const [row] = await this.database.run<{ any: boolean }>(store.ANY_UNSEALED, []);
    if (row?.any || !this.seen) while ((await this.sealBatch(store.TRY_CHAIN, PATIENCE)) === BATCH);
  }

  /** Seals one batch; returns how many entries, 0 also where another instance is at it. */
  private async sealBatch(lock: string, patience: number): Promise<number> {
    const sealed = await this.inTurn(lock, patience, async (manager) => {
      const end = await this.end(manager);
      const waiting = await manager.query<{ id: string }[]>(store.UNSEALED, [BATCH]);
      if (waiting.length === 0) return { end, count: 0 };
      const ids = waiting.map(({ id }) => id).sort();
      return { end: await this.append(ids, end, manager), count: ids.length };
    });
    if (!sealed) return 0;
    this.seen = sealed.end;
    return sealed.count;
  }

  /** Runs `work` while nobody else writes to the chain; not at all where another does just now and `lock` does not wait. */
  private async inTurn<T>(
    lock: string,
    patience: number,
    work: (manager: EntityManager) => Promise<T>,
  ): Promise<T | null> {
    return this.database
      .transaction(async (manager) => {
        await manager.query(store.SET_PATIENCE, [String(patience)]);
        const [turn] = await manager.query<{ held?: boolean }[]>(lock, [store.AUDIT_LOCK]);
        if (turn?.held !== false) return work(manager);
        const [row] = await manager.query<{ stuck: number }[]>(store.WAITING, [new Date(), OLD]);
        if (row && row.stuck > 0) throw new HeldChainError();
        return null;
      })
      .catch((error) => {
        throw error?.code === LOCK_TIMEOUT ? new HeldChainError() : error;
      });
  }

  private async append(ids: string[], end: Place, manager: EntityManager): Promise<Place> {
    const entries = await manager.query<SealedEntry[]>(store.ENTRIES, [ids]);
    const known = byId(entries);
    // An entry that was removed or doubled before its seal is sealed as what can never be found.
    const macs = ids.map((id) => known.get(id)).map((entry) => (entry ? this.macs.ofEntry(entry) : NEVER));
    const number = String(BigInt(end.number) + 1n);
    // The server's clock, which nobody can set from within the database.
    const sealedAt = new Date().toISOString().replace('Z', '000');
    const content = { number, sealedAt, ids, macs: Buffer.concat(macs) };
    const seal = this.macs.ofSeal(content, end.seal);
    const release = createHash('sha256').update(this.macs.releaseOf(seal)).digest();
    await manager.query(store.SEAL, [number, sealedAt, ids, content.macs, seal, release]);
    await this.writePlace('head', { number, seal }, manager);
    return { number, seal };
  }

  /** Where the next seal goes. */
  private async end(manager: EntityManager): Promise<Place> {
    const head = await this.readPlace('head', manager);
    if (!head) throw new BrokenChainError('The head of the audit chain was removed.');
    const [seal] = await manager.query<{ number: string; mac: Buffer }[]>(store.LAST_SEAL);
    const last = seal ? { number: seal.number, seal: seal.mac } : await this.readPlace('anchor', manager);
    if (!isSame(head, last ?? BEGINNING)) {
      throw new BrokenChainError('The audit chain does not end with its last seal.');
    }
    if (!(await this.goesOn(head, manager))) {
      throw new BrokenChainError('The audit chain was set back to an earlier state.');
    }
    return head;
  }

  /** Whether the chain still holds the end that this process has seen, or has lost it to retention alone. */
  private async goesOn(head: Place, manager: EntityManager): Promise<boolean> {
    if (!this.seen) return true;
    if (BigInt(head.number) < BigInt(this.seen.number)) return false;
    const [seal] = await manager.query<{ mac: Buffer }[]>(store.SEAL_AT, [this.seen.number]);
    return !seal || sameMac(seal.mac, this.seen.seal);
  }

  private complain(error: unknown): void {
    if (this.complained) return;
    this.complained = true;
    if (error instanceof HeldChainError) {
      this.logger.error(error.message);
    } else if (error instanceof BrokenChainError) {
      this.logger.error(
        `${error.message} This server seals no more entries. Run npm run cli -- audit:verify --expect with a head that was kept elsewhere: what was set back as a whole looks whole without one.`,
      );
    } else {
      this.logger.warn('The audit log could not be sealed; trying again');
    }
  }
}

/** Whether two places are the same seal. */
export function isSame(a: Place, b: Place): boolean {
  return a.number === b.number && sameMac(a.seal, b.seal);
}
