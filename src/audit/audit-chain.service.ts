import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import { AuditMacs, type PositionName, sameMac } from './audit-entry.js';
import * as store from './audit-store.js';

/** Milliseconds for which a check or a shutdown waits for its turn. */
export const CHAIN_TIMEOUT = 10_000;
/** Milliseconds that an entry waits for its seal at most, where all is well. */
export const OLD = 60_000;
/** Milliseconds by which the clocks of this process and of the database may differ where a seal is made. */
const CLOCKS_APART = 60_000;
const LOCK_NOT_AVAILABLE = '55P03';

/** Where the chain ends, or begins after retention. */
export interface ChainPosition {
  number: string;
  seal: Buffer;
}

/** Where the next seal goes, and what was found on the way there. */
export interface ChainEnd {
  position: ChainPosition;
  /** The end that this process had seen, where Postgres has lost it in a failover or by a restore. */
  lost: ChainPosition | null;
  /** The Postgres that holds the chain, as `remember` wants to know it. */
  server: string;
  /** Milliseconds since the epoch, by the clock of this process, with which the database's agrees. */
  now: number;
}

/** What the first seal has before it. */
export const GENESIS: ChainPosition = { number: '0', seal: Buffer.alloc(32) };

/** The end of the chain is not where it was left, so nothing is added to it: that would hide what was done. */
export class BrokenChainError extends Error {
  override readonly name = 'BrokenChainError';
}

/** The time of a seal can be trusted only where two clocks agree on it, of which nobody can set both from within Postgres. */
export class ClocksApartError extends Error {
  override readonly name = 'ClocksApartError';
  constructor(apart: number) {
    super(
      `The clocks of this machine and of the database are ${Math.round(apart / 1000)} s apart: set the wrong one. ` +
        'Until then nothing is sealed here, for the audit log would tell of another time.',
    );
  }
}

/** Somebody holds the chain and adds nothing to it. */
export class ChainLockTimeout extends Error {
  override readonly name = 'ChainLockTimeout';
  constructor() {
    super(
      `Another session holds the lock of the audit chain (pg_locks, objid ${store.AUDIT_LOCK}) and seals nothing: end it.`,
    );
  }
}

/** The chain of seals: where it begins and ends, and whose turn it is to write to it. */
@Injectable()
export class AuditChain {
  readonly macs: AuditMacs;
  private seen: { position: ChainPosition; server: string } | undefined;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly database: Database,
  ) {
    this.macs = new AuditMacs(config.deriveKey('audit seals'));
  }

  /** A new database has a chain before it has a user. One that is missing later was removed, and only `force` is replaced. */
  async initialize(force: boolean): Promise<void> {
    const { manager } = this.database;
    const [now] = await manager.query<{ begun: boolean; committed: boolean; used: boolean }[]>(store.BEGINNING);
    if (!now || now.committed) return;
    if (!now.begun && now.used && !force) return;
    const head = now.begun ? await this.read('head', manager).catch(ignoreBroken) : GENESIS;
    if (head) await this.begin(head);
  }

  private async begin({ number, seal }: ChainPosition): Promise<void> {
    const mac = this.macs.ofPosition('head', number, seal);
    await this.database.manager.query(store.BEGIN_CHAIN, [number, seal, mac, this.macs.commitmentOf(seal)]);
  }

  /**
   * Runs `work` while nobody else writes to the chain; with no `timeout`, not at all where another does just now.
   * Throws ChainLockTimeout where the turn does not come in `timeout` milliseconds, or others seal nothing in theirs.
   */
  async withChainLock<T>(timeout: number | null, work: (manager: EntityManager) => Promise<T>): Promise<T | null> {
    return this.database
      .transactionOnce(async (manager) => ((await this.acquireLock(timeout, manager)) ? work(manager) : null))
      .catch((error) => {
        throw error?.code === LOCK_NOT_AVAILABLE ? new ChainLockTimeout() : error;
      });
  }

  private async acquireLock(timeout: number | null, manager: EntityManager): Promise<boolean> {
    if (timeout !== null) {
      await manager.query(store.SET_LOCK_TIMEOUT, [String(timeout)]);
      await manager.query(store.WAIT_FOR_CHAIN, [store.AUDIT_LOCK]);
      return true;
    }
    const [turn] = await manager.query<{ held: boolean }[]>(store.TRY_CHAIN, [store.AUDIT_LOCK]);
    if (turn?.held) return true;
    const [row] = await manager.query<{ stuck: number }[]>(store.WAITING, [OLD]);
    if (row && row.stuck > 0) throw new ChainLockTimeout();
    return false;
  }

  /** A place of the chain, or null where there is none yet. Throws BrokenChainError when its HMAC does not fit. */
  async read(place: PositionName, manager: EntityManager): Promise<ChainPosition | null> {
    const [row] = await manager.query<(ChainPosition & { mac: Buffer })[]>(store.POSITION, [place]);
    if (!row) return null;
    if (!sameMac(this.macs.ofPosition(place, row.number, row.seal), row.mac)) {
      throw new BrokenChainError(`The place ${place} of the audit chain was written by somebody else.`);
    }
    return { number: row.number, seal: row.seal };
  }

  /** Writes down a place of the chain that ends at `head`. The head itself moves with a seal alone. */
  async write(
    place: Exclude<PositionName, 'head'>,
    position: ChainPosition,
    head: ChainPosition,
    manager: EntityManager,
  ) {
    const { number, seal } = position;
    const mac = this.macs.ofPosition(place, number, seal);
    await manager.query(store.SET_POSITION, [place, number, seal, mac, this.macs.releaseOf(head.seal)]);
  }

  /**
   * Where the next seal goes. Throws BrokenChainError where the chain was tampered with at its end, or set back in a Postgres
   * that has run all the while, and ClocksApartError.
   */
  async end(manager: EntityManager): Promise<ChainEnd> {
    const { server, now } = await this.server(manager);
    const head = await this.read('head', manager);
    if (!head) throw new BrokenChainError('The head of the audit chain was removed.');
    const [seal] = await manager.query<{ number: string; mac: Buffer }[]>(store.LAST_SEAL);
    const last = seal ? { number: seal.number, seal: seal.mac } : await this.read('anchor', manager);
    if (!isSame(head, last ?? GENESIS)) {
      throw new BrokenChainError('The audit chain does not end with its last seal.');
    }
    const lost = await this.lost(head, manager);
    if (lost && this.seen?.server === server) {
      throw new BrokenChainError(
        'The audit chain was set back to an earlier state, in a Postgres that was not restarted since: no failover and no restore does that.',
      );
    }
    return { position: head, lost, server, now };
  }

  /** Whether this process knows an end of the chain, by which `end` notices that it was set back. */
  get isKnown(): boolean {
    return this.seen !== undefined;
  }

  /** Remembers an end of the chain that is committed. */
  remember({ position, server }: Pick<ChainEnd, 'position' | 'server'>): void {
    this.seen = { position, server };
  }

  /** The end that this process remembers, where the chain no longer holds it; what retention cut off is not lost. */
  private async lost(head: ChainPosition, manager: EntityManager): Promise<ChainPosition | null> {
    if (!this.seen) return null;
    const { position } = this.seen;
    if (BigInt(head.number) < BigInt(position.number)) return position;
    const [seal] = await manager.query<{ mac: Buffer }[]>(store.SEAL_AT, [position.number]);
    return !seal || sameMac(seal.mac, position.seal) ? null : position;
  }

  /** Which Postgres answers. Not by the injected clock, which may follow the database's. */
  private async server(manager: EntityManager): Promise<Pick<ChainEnd, 'server' | 'now'>> {
    const [row] = await manager.query<{ startedAt: string; now: number }[]>(store.SERVER);
    if (!row) throw new Error('SELECT returned no row');
    const now = Date.now();
    if (!(Math.abs(row.now - now) <= CLOCKS_APART)) throw new ClocksApartError(Math.abs(row.now - now));
    return { server: row.startedAt, now };
  }
}

/** A head that somebody else wrote is no reason not to start: what seals and what verifies says so. */
function ignoreBroken(error: unknown): null {
  if (error instanceof BrokenChainError) return null;
  throw error;
}

/** A place as people keep it, `number:mac`. */
export function headOf({ number, seal }: ChainPosition): string {
  return `${number}:${seal.toString('hex')}`;
}

/** Whether two places are the same seal. */
export function isSame(a: ChainPosition, b: ChainPosition): boolean {
  return a.number === b.number && sameMac(a.seal, b.seal);
}
