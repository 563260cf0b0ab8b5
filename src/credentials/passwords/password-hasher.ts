import { createHmac, randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Inject, Injectable, Logger, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Piscina } from 'piscina';
import { networksOf } from '../../platform/common/address.js';
import { FairQueue, type Share } from '../../platform/common/fair-queue.js';
import { Problem } from '../../platform/http/problem.js';
import { canonicalPassword } from './canonical-password.js';
import { readsOnly72Bytes } from './foreign/bcrypt-forms.js';
import { isForeignHash } from './foreign-hashes.js';

export const PASSWORD_HASHER_OPTIONS = Symbol('PASSWORD_HASHER_OPTIONS');

export interface PasswordHasherOptions {
  /** bcrypt cost, 4 to 15: each step doubles the work. */
  cost: number;
  /** The key of the pre-hash, at least 32 bytes, kept outside the database. With another one no password fits. */
  pepper: Buffer;
  /** Hashes that may wait for each core before the next is refused. */
  queuePerCore: number;
  /** Processes on this machine that hash as well; they share its cores. 1 unless given. */
  processes?: number;
}

/** Whose turn in the queue a hash takes. */
export interface HashTurn {
  /** The address of the client. */
  ip: string;
  /** Whether they have a right to be here whom a stranger cannot pass for: an address known to the account, a session, a link. */
  known: boolean;
}

/** Too many hashes wait already: 503 `overloaded` with `Retry-After`. */
export class HashQueueFullError extends Problem {
  override readonly name = 'HashQueueFullError';
  constructor() {
    super('overloaded');
  }
}

/** One for all: a flood of refusals should not cost a stack trace each. */
export const QUEUE_FULL = new HashQueueFullError();

/** A password with no UTF-8 form, or longer than any allowed one. */
export class InvalidPasswordError extends Error {
  override readonly name = 'InvalidPasswordError';
  constructor() {
    super('The password is not valid Unicode text or is far too long.');
  }
}

/** What the server hashes for itself. */
const OWN: Share = ['known', '', '', ''];
/** Milliseconds that a thread may take to load before it is given up. */
const LOADING = 5_000;
/** Costs above 15 count as malformed: a single hash of cost 31 would hold a thread for a day. */
const OUR_HASH = /^\$2b\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/;
/**
 * bcrypt over base64(HMAC-SHA-256(pepper, password in NFC)), so that nothing past bcrypt's 72 bytes or after a NUL is
 * lost (OWASP Password Storage Cheat Sheet, "Pre-Hashing Passwords with bcrypt").
 * The work is done by one thread for each core, at the least priority so that requests go first, behind a bounded queue that
 * no client address can keep to itself: half of it is kept for those who are known, and each half is shared out by network.
 */
@Injectable()
export class PasswordHasher implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(PasswordHasher.name);
  private readonly threads: number;
  private readonly queue: FairQueue;
  /** How many threads can hash. */
  private readonly loaded = new Int32Array(new SharedArrayBuffer(4));
  private pool?: Piscina;
  private dummyHash!: string;

  constructor(@Inject(PASSWORD_HASHER_OPTIONS) private readonly options: PasswordHasherOptions) {
    const { cost, pepper, queuePerCore, processes = 1 } = options;
    if (!Number.isInteger(cost) || cost < 4 || cost > 15) throw new RangeError('The bcrypt cost must be from 4 to 15.');
    if (pepper.length < 32) throw new RangeError('The password pepper must have at least 32 bytes.');
    if (!Number.isInteger(queuePerCore) || queuePerCore < 1) {
      throw new RangeError('The hash queue must hold at least one password for each core.');
    }
    this.threads = Math.max(1, Math.floor(availableParallelism() / processes));
    this.queue = new FairQueue(this.threads, queuePerCore * this.threads, () => QUEUE_FULL);
  }

  async onModuleInit(): Promise<void> {
    this.pool = new Piscina({
      filename: fileURLToPath(new URL('./hash.worker.js', import.meta.url)),
      minThreads: this.threads,
      maxThreads: this.threads,
      // Linux alone gives each thread its own nice value; elsewhere this would slow the whole process.
      niceIncrement: process.platform === 'linux' ? 19 : 0,
      recordTiming: false,
      workerData: { loaded: this.loaded.buffer },
    });
    this.pool.on('error', (error) => this.logger.error(`A password hashing thread failed: ${error}`));
    this.dummyHash = await this.hash(randomBytes(32).toString('base64'));
  }

  /** Ends the threads only after the HTTP server has let its last request go, which `onModuleDestroy` would not wait for. */
  async onApplicationShutdown(): Promise<void> {
    const pool = this.pool;
    if (!pool) return;
    this.pool = undefined;
    // A thread that is ended while it loads bcrypt ends the process. One that cannot load is not waited for.
    for (let waited = 0; Atomics.load(this.loaded, 0) < this.threads && waited < LOADING; waited += 10) await sleep(10);
    await pool.destroy();
  }

  /**
   * `turn` is whose turn in the queue this takes; none is the server's own. Throws `InvalidPasswordError`, or
   * `HashQueueFullError` when the queue is full.
   */
  async hash(password: string, turn?: HashTurn): Promise<string> {
    const canonical = canonicalPassword(password);
    if (canonical === null) throw new InvalidPasswordError();
    return this.run<string>('hash', { secret: this.prehash(canonical), cost: this.options.cost }, turn);
  }

  /**
   * Whether the password is the one behind the hash. `turn` as for `hash`. Throws
   * `HashQueueFullError` when the queue is full.
   * Pass null for an unknown user or one without a password: the answer is false, after the same work, so that the time
   * does not tell who has an account. The same goes for a hash or a password that cannot be genuine.
   */
  async verify(password: string, hash: string | null, turn?: HashTurn): Promise<boolean> {
    const canonical = canonicalPassword(password);
    if (canonical === null || hash === null) return this.refuse(turn);
    const { cost } = this.options;
    if (OUR_HASH.test(hash)) return this.run('verify', { secret: this.prehash(canonical), hash, cost }, turn);
    return isForeignHash(hash) ? this.run('verifyImported', { secret: password, hash, cost }, turn) : this.refuse(turn);
  }

  /**
   * Throws `HashQueueFullError` where a hash would find no place just now: asked first, so that a flood costs no more than
   * this.
   */
  assertCapacity(turn: HashTurn): void {
    if (!this.hasRoomFor(turn)) throw QUEUE_FULL;
  }

  /** As `assertCapacity`, and does not throw. */
  hasRoomFor(turn: HashTurn): boolean {
    return this.queue.hasRoomFor(shareOf(turn));
  }

  /** Whether a hash would have to wait just now: only then it matters whose turn it takes. */
  get isBusy(): boolean {
    return this.queue.isBusy;
  }

  /**
   * Whether a fresh hash should replace this one after the next sign-in: it is not of our making, or costs less than ours, or
   * more, which would tell by the time of a wrong guess that its owner has an account. `password` is the one that it took.
   */
  needsRehash(hash: string, password: string): boolean {
    // Nobody knows whether what it has not read is right.
    if (readsOnly72Bytes(hash) && Buffer.byteLength(password) > 72) return false;
    return Number(OUR_HASH.exec(hash)?.[1]) !== this.options.cost;
  }

  private async refuse(turn: HashTurn | undefined): Promise<false> {
    await this.run('verify', { secret: this.prehash(''), hash: this.dummyHash, cost: this.options.cost }, turn);
    return false;
  }

  /** 44 characters, whatever the password's length. */
  private prehash(canonical: string): string {
    return createHmac('sha256', this.options.pepper).update(canonical, 'utf8').digest('base64');
  }

  private async run<T>(
    name: 'hash' | 'verify' | 'verifyImported',
    job: { secret: string; cost: number; hash?: string },
    turn: HashTurn | undefined,
  ): Promise<T> {
    const pool = this.pool;
    if (pool === undefined) throw new Error('The hashing threads are not running.');
    return this.queue.run(turn === undefined ? OWN : shareOf(turn), () => pool.run(job, { name }));
  }
}

/**
 * Classes take turns, then networks from the widest to that of one client: a /48 that sends from each of its
 * 65 536 clients has one turn where a neighbour has one. An IPv4 /24 counts here too, where it costs its neighbours no more
 * than a turn.
 */
function shareOf({ ip, known }: HashTurn): Share {
  return [known ? 'known' : 'other', ...networksOf(ip)];
}
