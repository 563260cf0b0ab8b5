import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import { Clock } from '../common/clock.js';
import type { ApplyChange, ChangeFeed } from './change-feed.js';

/** The injection token of the URL that the listener connects to. */
export const LISTENER_URL = Symbol('LISTENER_URL');

/** The name of an instance's link in pg_stat_activity, where it differs from those of the pool. */
export const LISTENER_NAME = 'gatehouse listener';

const CHANNEL = 'gatehouse';
/** Milliseconds between two heartbeats. */
const HEARTBEAT = 1_000;
const QUERY_TIMEOUT = 2_000;
/** Milliseconds until a lost link is made again. */
const RETRY = 500;

/**
 * The change feed over LISTEN/NOTIFY, on a connection of its own: the link. A notification reaches only sessions that
 * listen at that moment, so the resyncs run once LISTEN stands, at start and after every lost link.
 */
@Injectable()
export class DatabaseListener implements ChangeFeed, OnApplicationShutdown {
  private readonly logger = new Logger(DatabaseListener.name);
  private readonly subscribers = new Map<string, ApplyChange>();
  private readonly resyncs: (() => Promise<void>)[] = [];
  private client: Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopping = false;
  private lastHeartbeatAt = Number.NEGATIVE_INFINITY;
  private connected = false;

  constructor(
    @Inject(LISTENER_URL) private readonly url: string,
    private readonly clock: Clock,
  ) {}

  on(word: string, apply: ApplyChange): void {
    this.subscribers.set(word, apply);
  }

  onResync(read: () => Promise<void>): void {
    this.resyncs.push(read);
  }

  /** Connects and resyncs. Throws when the first attempt fails: a server that cannot hear of changes must not start. */
  async start(): Promise<void> {
    await this.connect();
    this.schedule(HEARTBEAT);
  }

  get lagMs(): number {
    return this.clock.elapsed() - this.lastHeartbeatAt;
  }

  get isSynchronized(): boolean {
    return this.connected && this.lagMs < HEARTBEAT + QUERY_TIMEOUT;
  }

  get isStopped(): boolean {
    return this.stopping;
  }

  /** After the last answer: until then a token may be checked, and the end of its session must be heard. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    await this.drop();
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.url,
      application_name: LISTENER_NAME,
      connectionTimeoutMillis: QUERY_TIMEOUT,
      query_timeout: QUERY_TIMEOUT,
      keepAlive: true,
    });
    this.client = client;
    client.on('error', () => this.lose(client));
    client.on('end', () => this.lose(client));
    client.on('notification', ({ payload = '' }) => this.receive(payload));
    const before = this.clock.elapsed();
    await client.connect();
    await client.query(`LISTEN ${CHANNEL}`);
    for (const resync of this.resyncs) await resync();
    if (this.client !== client) throw new Error('The link was lost during the resync');
    this.connected = true;
    this.lastHeartbeatAt = before;
  }

  private receive(payload: string): void {
    const space = payload.indexOf(' ');
    const word = space < 0 ? payload : payload.slice(0, space);
    this.subscribers.get(word)?.(space < 0 ? '' : payload.slice(space + 1));
  }

  private schedule(delay: number): void {
    clearTimeout(this.timer);
    if (!this.stopping) this.timer = setTimeout(() => void this.beat(), delay);
  }

  /** Sends a heartbeat over the link, or makes a new link. A link that does not answer is as good as lost. */
  private async beat(): Promise<void> {
    try {
      if (this.connected && this.client) {
        const sent = this.clock.elapsed();
        await this.client.query('SELECT 1');
        this.lastHeartbeatAt = sent;
      } else {
        await this.connect();
        this.logger.log('The link to the database stands again and is synchronized');
      }
      this.schedule(HEARTBEAT);
    } catch {
      if (this.connected) this.logger.warn('The link to the database is lost; trying again');
      await this.drop();
      this.schedule(RETRY);
    }
  }

  private lose(client: Client): void {
    if (this.client !== client) return;
    this.client = undefined;
    // During connect() the failure shows there.
    if (!this.connected) return;
    this.connected = false;
    this.logger.warn('The link to the database is lost; trying again');
    this.schedule(RETRY);
  }

  private async drop(): Promise<void> {
    const client = this.client;
    this.connected = false;
    this.client = undefined;
    // end() waits for a server that may never answer.
    if (client)
      await Promise.race([client.end().catch(() => undefined), new Promise((done) => setTimeout(done, 200).unref())]);
  }
}
