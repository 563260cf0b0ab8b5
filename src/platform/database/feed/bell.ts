import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Clock } from '../../common/clock.js';
import { CHANNEL, PULSE_INTERVAL } from './pulse.js';

/** Milliseconds for a notification to come back. */
const ARRIVES_WITHIN = 2_000;
const ATTEMPTS = 3;
/** Words that are kept until the next look; a flood of them is no reason to keep more. */
const MOST_WORDS = 100;

/** Notifications do not arrive: LISTEN is accepted and nothing ever comes. */
export class ChannelError extends Error {
  override readonly name = 'ChannelError';
  constructor() {
    super(
      'Notifications of Postgres do not arrive, as behind a pooler in transaction mode: set DATABASE_DIRECT_URL to the same database as DATABASE_URL, past the pooler, or set REVOCATION_FEED=poll.',
    );
  }
}

/**
 * The notifications of one link. They say that there is something to look at, and nothing more: anybody who may connect to
 * the database can send them.
 */
export class Bell {
  private words = new Set<string>();
  private heardAt: number;
  private hungAt: number;
  private awaited: { word: string; heard: () => void } | undefined;

  /** `arrivesWithin` is in milliseconds. */
  constructor(
    private readonly clock: Clock,
    private readonly ringing: () => void = () => {},
    private readonly arrivesWithin = ARRIVES_WITHIN,
  ) {
    this.heardAt = Number.NEGATIVE_INFINITY;
    this.hungAt = clock.elapsed();
  }

  /** Begins to listen on a new connection. */
  async hang(client: Client): Promise<void> {
    client.on('notification', ({ payload = '' }) => this.hear(payload));
    await client.query(`LISTEN ${CHANNEL}`);
    this.hungAt = this.clock.elapsed();
  }

  /** Whether a pulse was heard of late. */
  get isHeard(): boolean {
    return this.clock.elapsed() - this.heardAt < 3 * PULSE_INTERVAL;
  }

  /** Milliseconds since the last pulse, or since the bell was hung. */
  get silentFor(): number {
    return this.clock.elapsed() - Math.max(this.heardAt, this.hungAt);
  }

  /** The words that came since the last call. */
  take(): string[] {
    const words = [...this.words];
    this.words = new Set();
    return words;
  }

  /** Sends a notification that nobody can know of by `ring`, and waits for it. Throws ChannelError where none comes back. */
  async prove(ring: (word: string) => Promise<unknown>): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const word = `nonce ${randomBytes(16).toString('hex')}`;
      const heard = new Promise<true>((resolve) => {
        this.awaited = { word, heard: () => resolve(true) };
      });
      await ring(word);
      if (await Promise.race([heard, wait(this.arrivesWithin, false)])) return;
    }
    throw new ChannelError();
  }

  private hear(payload: string): void {
    this.heardAt = payload === 'pulse' ? this.clock.elapsed() : this.heardAt;
    if (payload === this.awaited?.word) this.awaited.heard();
    if (this.words.size < MOST_WORDS) this.words.add(payload.slice(0, 64));
    this.ringing();
  }
}
