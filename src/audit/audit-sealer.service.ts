import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newId } from '../platform/common/id.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { DebouncedTask } from '../platform/jobs/debounced-task.js';
import {
  AuditChain,
  BrokenChainError,
  CHAIN_TIMEOUT,
  type ChainEnd,
  ChainLockTimeout,
  type ChainPosition,
  ClocksApartError,
} from './audit-chain.service.js';
import { readEntries } from './audit-entries.js';
import { byId, ENTRY_MAC } from './audit-entry.js';
import { SET_BACK, setBackData } from './audit-set-back.js';
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
    private readonly feed: DatabaseFeed,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.task.start();
    this.began = true;
    // Now, so that what others write back does not wait for this.
    this.feed.onSetBack(() => this.lookAtEnd());
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
   * ChainLockTimeout where its turn does not come in `timeout` milliseconds, ClocksApartError.
   */
  async sealAll(timeout = CHAIN_TIMEOUT): Promise<void> {
    while ((await this.sealBatch(timeout)) === BATCH);
  }

  /**
   * Vouches for what is there, as only who has APP_SECRET can: begins a chain where there is none, seals what waits, and
   * lets every seal stand that came late, and every set-back until now. Throws as sealAll does.
   */
  async accept(): Promise<void> {
    await this.chain.initialize(true);
    await this.sealAll();
    await this.chain.withChainLock(CHAIN_TIMEOUT, async (manager) => {
      const { position } = await this.chain.end(manager);
      await this.chain.write('accepted', position, position, manager);
    });
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

  /** A server to which nothing happens would record a loss days later, when it has long been looked into and accepted. */
  private async lookAtEnd(): Promise<void> {
    await this.sealBatch(CHAIN_TIMEOUT).catch((error) => {
      const isUnfit = error instanceof BrokenChainError || error instanceof ClocksApartError;
      if (!isUnfit) throw error;
      this.complain(error);
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
      const found = await this.chain.end(manager);
      const end = found.lost ? await this.mark(found.lost, found, manager) : found;
      const waiting = await manager.query<{ id: string }[]>(store.UNSEALED, [BATCH]);
      const ids = waiting.map(({ id }) => id).sort();
      const position = ids.length > 0 ? await this.append(ids, end, manager) : end.position;
      return { ...end, position, count: ids.length };
    });
    if (!sealed) return 0;
    this.chain.remember(sealed);
    if (sealed.lost) this.logger.error(describeLoss(sealed.lost));
    return sealed.count;
  }

  /** Records that the log was set back, under a seal of its own right after what is left, from where nobody can take it. */
  private async mark(lost: ChainPosition, end: ChainEnd, manager: EntityManager): Promise<ChainEnd> {
    const id = newId();
    await manager.query(store.MARK, [id, SET_BACK, setBackData(lost, end.position, this.chain.macs)]);
    return { ...end, position: await this.append([id], end, manager) };
  }

  private async append(ids: string[], end: ChainEnd, manager: EntityManager): Promise<ChainPosition> {
    const { macs } = this.chain;
    const known = byId(await readEntries(ids, manager));
    // An entry that was removed or doubled before its seal is sealed as what can never be found.
    const ofEntries = ids.map((id) => known.get(id)).map((entry) => (entry ? macs.ofEntry(entry) : NEVER));
    const number = String(BigInt(end.position.number) + 1n);
    // The server's clock, which nobody can set from within the database.
    const sealedAt = new Date(end.now).toISOString().replace('Z', '000');
    const content = { number, sealedAt, ids, macs: Buffer.concat(ofEntries) };
    const seal = macs.ofSeal(content, end.position.seal);
    const head = macs.ofPosition('head', number, seal);
    const shown = macs.releaseOf(end.position.seal);
    const release = macs.commitmentOf(seal);
    await manager.query(store.SEAL, [number, sealedAt, ids, content.macs, seal, release, head, shown]);
    return { number, seal };
  }

  private complain(error: unknown): void {
    if (this.complained) return;
    this.complained = true;
    if (error instanceof ChainLockTimeout || error instanceof ClocksApartError) {
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

function describeLoss({ number }: ChainPosition): string {
  return (
    `Postgres has lost the end of the audit log, seal ${number} at least, in a failover or by a restore. That is recorded in ` +
    `the log (${SET_BACK}), which goes on; run npm run cli -- audit:verify`
  );
}
