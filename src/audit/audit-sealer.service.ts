import { createHash } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../platform/database/database.js';
import { DebouncedTask } from '../platform/jobs/debounced-task.js';
import {
  AuditChain,
  BrokenChainError,
  CHAIN_TIMEOUT,
  ChainLockTimeout,
  type ChainPosition,
} from './audit-chain.service.js';
import { byId, ENTRY_MAC, type SealedEntry } from './audit-entry.js';
import * as store from './audit-store.js';

/** Entries of one seal at most. */
const BATCH = 1_000;
/** The HMAC of no entry. */
const NEVER = Buffer.alloc(ENTRY_MAC);

/**
 * Seals what is written to the audit log, a second later and in batches, so that no sign-in waits for a chain.
 * Each seal is an HMAC over its entries and over the seal before it. Instances take turns.
 */
@Injectable()
export class AuditSealer implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(AuditSealer.name);
  private readonly task = new DebouncedTask(() => this.pass());
  private running: Promise<void> | undefined;
  private complained = false;
  private began = false;

  constructor(
    private readonly database: Database,
    private readonly chain: AuditChain,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.task.start();
    this.began = true;
    await this.chain.initialize(false);
    this.pass();
  }

  onModuleDestroy(): void {
    this.task.stop();
  }

  /** Told of every entry. A server to which nothing happens asks the database nothing. */
  schedule(): void {
    this.task.schedule();
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (!this.began) return;
    await this.running;
    await this.sealAll().catch((error) => this.complain(error));
  }

  /**
   * Seals everything that is committed and waits. Throws BrokenChainError where the end of the chain was tampered with,
   * ChainLockTimeout where its turn does not come in `timeout` milliseconds.
   */
  async sealAll(timeout = CHAIN_TIMEOUT): Promise<void> {
    while ((await this.sealBatch(timeout)) === BATCH);
  }

  /**
   * Vouches for what is there, as only who has APP_SECRET can: begins a chain where there is none, seals what waits, and
   * lets every seal stand that came late. Throws as sealAll does.
   */
  async accept(): Promise<void> {
    await this.chain.initialize(true);
    await this.sealAll();
    await this.chain.withChainLock(CHAIN_TIMEOUT, async (manager) =>
      this.chain.write('accepted', await this.chain.end(manager), manager),
    );
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

  /** The first time also where nothing waits: a process that knows the end of the chain notices when it is set back. */
  private async sealWaiting(): Promise<void> {
    const [row] = await this.database.run<{ any: boolean }>(store.ANY_UNSEALED, []);
    if (row?.any || !this.chain.isKnown) while ((await this.sealBatch(null)) === BATCH);
  }

  /** Seals one batch; returns how many entries, 0 also where another instance is at it. */
  private async sealBatch(timeout: number | null): Promise<number> {
    const sealed = await this.chain.withChainLock(timeout, async (manager) => {
      const end = await this.chain.end(manager);
      const waiting = await manager.query<{ id: string }[]>(store.UNSEALED, [BATCH]);
      if (waiting.length === 0) return { end, count: 0 };
      const ids = waiting.map(({ id }) => id).sort();
      return { end: await this.append(ids, end, manager), count: ids.length };
    });
    if (!sealed) return 0;
    this.chain.remember(sealed.end);
    return sealed.count;
  }

  private async append(ids: string[], end: ChainPosition, manager: EntityManager): Promise<ChainPosition> {
    const { macs } = this.chain;
    const known = byId(await manager.query<SealedEntry[]>(store.ENTRIES, [ids]));
    // An entry that was removed or doubled before its seal is sealed as what can never be found.
    const ofEntries = ids.map((id) => known.get(id)).map((entry) => (entry ? macs.ofEntry(entry) : NEVER));
    const number = String(BigInt(end.number) + 1n);
    // The server's clock, which nobody can set from within the database.
    const sealedAt = new Date().toISOString().replace('Z', '000');
    const content = { number, sealedAt, ids, macs: Buffer.concat(ofEntries) };
    const seal = macs.ofSeal(content, end.seal);
    const release = createHash('sha256').update(macs.releaseOf(seal)).digest();
    await manager.query(store.SEAL, [number, sealedAt, ids, content.macs, seal, release]);
    await this.chain.write('head', { number, seal }, manager);
    return { number, seal };
  }

  private complain(error: unknown): void {
    if (this.complained) return;
    this.complained = true;
    if (error instanceof ChainLockTimeout) {
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
