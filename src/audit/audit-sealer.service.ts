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
import { AuditMacs, ENTRY_MAC, type SealedEntry, sameMac } from './audit-entry.js';
import * as store from './audit-store.js';

/** Entries of one seal at most. */
const BATCH = 1_000;
/** What the first seal has before it. */
export const BEFORE_ALL = Buffer.alloc(32);

/** Where the chain ends, or begins after retention. */
export interface Place {
  number: string;
  seal: Buffer;
}

/** The end of the chain is not where it was left, so nothing is added to it: that would hide what was done. */
export class BrokenChainError extends Error {
  override readonly name = 'BrokenChainError';
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

  onApplicationBootstrap(): void {
    this.sweeper.start();
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

  /** Seals everything that is committed and waits. Throws BrokenChainError where the end of the chain was tampered with. */
  async sealAll(): Promise<void> {
    while ((await this.sealBatch(store.WAIT_FOR_CHAIN)) === BATCH);
  }

  /** A place of the chain, or null where there is none yet. Throws BrokenChainError when its HMAC does not fit. */
  async readPlace(place: 'head' | 'anchor', manager: EntityManager): Promise<Place | null> {
    const [row] = await manager.query<(Place & { mac: Buffer })[]>(store.PLACE, [place]);
    if (!row) return null;
    if (!sameMac(this.macs.ofPlace(place, row.number, row.seal), row.mac)) {
      throw new BrokenChainError(`The ${place} of the audit chain was written by somebody else.`);
    }
    return { number: row.number, seal: row.seal };
  }

  /** Writes down where the chain ends or begins. */
  async writePlace(place: 'head' | 'anchor', { number, seal }: Place, manager: EntityManager): Promise<void> {
    await manager.query(store.SET_PLACE, [place, number, seal, this.macs.ofPlace(place, number, seal)]);
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

  private async sealWaiting(): Promise<void> {
    const [row] = await this.database.run<{ any: boolean }>(store.ANY_UNSEALED, []);
    if (row?.any) while ((await this.sealBatch(store.TRY_CHAIN)) === BATCH);
  }

  /** Seals one batch; returns how many entries, 0 also where another instance is at it. */
  private async sealBatch(lock: string): Promise<number> {
    const sealed = await this.database.transaction(async (manager) => {
      const [turn] = await manager.query<{ held?: boolean }[]>(lock, [store.AUDIT_LOCK]);
      if (turn?.held === false) return null;
      const [taken] = await manager.query<[{ id: string }[], number]>(store.TAKE_UNSEALED, [BATCH]);
      if (taken.length === 0) return null;
      const head = await this.append(taken.map(({ id }) => id).sort(), manager);
      return { head, count: taken.length };
    });
    if (!sealed) return 0;
    this.seen = sealed.head;
    return sealed.count;
  }

  private async append(ids: string[], manager: EntityManager): Promise<Place> {
    const end = await this.end(manager);
    const entries = await manager.query<SealedEntry[]>(store.ENTRIES, [ids]);
    const known = new Map(entries.map((entry) => [entry.id, this.macs.ofEntry(entry)]));
    // An entry that was removed before its seal is sealed as what can never be found.
    const macs = Buffer.concat(ids.map((id) => known.get(id) ?? Buffer.alloc(ENTRY_MAC)));
    const number = String(BigInt(end.number) + 1n);
    const [clock] = await manager.query<{ now: string }[]>(store.NOW);
    const sealedAt = clock?.now ?? '';
    const seal = this.macs.ofSeal({ number, sealedAt, ids, macs }, end.seal);
    await manager.query(store.INSERT_SEAL, [number, sealedAt, ids, macs, seal]);
    await this.writePlace('head', { number, seal }, manager);
    return { number, seal };
  }

  /** Where the next seal goes. */
  private async end(manager: EntityManager): Promise<Place> {
    const head = await this.readPlace('head', manager);
    const [seal] = await manager.query<{ number: string; mac: Buffer }[]>(store.LAST_SEAL);
    const anchor = seal ? null : await this.readPlace('anchor', manager);
    const last = seal ? { number: seal.number, seal: seal.mac } : anchor;
    if (head?.number !== last?.number || (head && last && !sameMac(head.seal, last.seal))) {
      throw new BrokenChainError('The audit chain does not end with its last seal.');
    }
    if (this.seen && (!head || BigInt(head.number) < BigInt(this.seen.number))) {
      throw new BrokenChainError('The audit chain was set back to an earlier state.');
    }
    return head ?? { number: '0', seal: BEFORE_ALL };
  }

  private complain(error: unknown): void {
    if (this.complained) return;
    this.complained = true;
    if (error instanceof BrokenChainError) {
      this.logger.error(
        `${error.message} This server seals no more entries. Run npm run cli -- audit:verify --expect with a head that was kept elsewhere: what was set back as a whole looks whole without one.`,
      );
    } else {
      this.logger.warn('The audit log could not be sealed; trying again');
    }
  }
}
