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
const LOCK_NOT_AVAILABLE = '55P03';

/** Where the chain ends, or begins after retention. */
export interface ChainPosition {
  number: string;
  seal: Buffer;
}

/** What the first seal has before it. */
export const GENESIS: ChainPosition = { number: '0', seal: Buffer.alloc(32) };

/** The end of the chain is not where it was left, so nothing is added to it: that would hide what was done. */
export class BrokenChainError extends Error {
  override readonly name = 'BrokenChainError';
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
  private seen: ChainPosition | undefined;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly database: Database,
  ) {
    this.macs = new AuditMacs(config.deriveKey('audit seals'));
  }

  /** A new database has a chain before it has a user. One that is missing later was removed, and only `force` is replaced. */
  async initialize(force: boolean): Promise<void> {
    const { number, seal } = GENESIS;
    await this.database.manager.query(store.INITIALIZE_CHAIN, [
      seal,
      this.macs.ofPosition('head', number, seal),
      force,
    ]);
  }

  /**
   * Runs `work` while nobody else writes to the chain; with no `timeout`, not at all where another does just now.
   * Throws ChainLockTimeout where the turn does not come in `timeout` milliseconds, or others seal nothing in theirs.
   */
  async withChainLock<T>(timeout: number | null, work: (manager: EntityManager) => Promise<T>): Promise<T | null> {
    return this.database
      .transaction(async (manager) => ((await this.acquireLock(timeout, manager)) ? work(manager) : null))
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
    const [row] = await manager.query<{ stuck: number }[]>(store.WAITING, [new Date(), OLD]);
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

  /** Writes down a place of the chain. */
  async write(place: PositionName, { number, seal }: ChainPosition, manager: EntityManager): Promise<void> {
    await manager.query(store.SET_POSITION, [place, number, seal, this.macs.ofPosition(place, number, seal)]);
  }

  /** Where the next seal goes. Throws BrokenChainError where the chain was tampered with at its end, or set back. */
  async end(manager: EntityManager): Promise<ChainPosition> {
    const head = await this.read('head', manager);
    if (!head) throw new BrokenChainError('The head of the audit chain was removed.');
    const [seal] = await manager.query<{ number: string; mac: Buffer }[]>(store.LAST_SEAL);
    const last = seal ? { number: seal.number, seal: seal.mac } : await this.read('anchor', manager);
    if (!isSame(head, last ?? GENESIS)) {
      throw new BrokenChainError('The audit chain does not end with its last seal.');
    }
    if (!(await this.goesOn(head, manager))) {
      throw new BrokenChainError('The audit chain was set back to an earlier state.');
    }
    return head;
  }

  /** Whether this process knows an end of the chain, by which `end` notices that it was set back. */
  get isKnown(): boolean {
    return this.seen !== undefined;
  }

  /** Remembers an end of the chain that is committed. */
  remember(end: ChainPosition): void {
    this.seen = end;
  }

  /** Whether the chain still holds the end that this process remembers, or has lost it to retention alone. */
  private async goesOn(head: ChainPosition, manager: EntityManager): Promise<boolean> {
    if (!this.seen) return true;
    if (BigInt(head.number) < BigInt(this.seen.number)) return false;
    const [seal] = await manager.query<{ mac: Buffer }[]>(store.SEAL_AT, [this.seen.number]);
    return !seal || sameMac(seal.mac, this.seen.seal);
  }
}

/** Whether two places are the same seal. */
export function isSame(a: ChainPosition, b: ChainPosition): boolean {
  return a.number === b.number && sameMac(a.seal, b.seal);
}
