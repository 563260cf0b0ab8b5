import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import { Clock } from '../common/clock.js';

/** The injection token of the URL that the listener connects to. */
export const LISTENER_URL = Symbol('LISTENER_URL');

/** What sets the link of an instance apart in pg_stat_activity. */
export const LISTENER_NAME = 'gatehouse listener';

const CHANNEL = 'gatehouse';
const HEARTBEAT = 1_000;
const QUERY_TIMEOUT = 2_000;
const RETRY = 500;

/** Takes one notification, the payload's first word taken off. */
type Subscriber = (rest: string) => void;

/**
 * The link by which this instance hears of changes that others committed (LISTEN/NOTIFY).
 * Notifications are not kept for who is away, so whoever subscribes also gives a catch-up that reads the tables:
 * it runs after LISTEN stands, at start and after every lost link, and only then is the link in step again.
 */
@Injectable()
export class DatabaseListener implements OnApplicationShutdown {
  private readonly logger = new Logger(DatabaseListener.name);
  private readonly subscribers = new Map<string, Subscriber>();
  private readonly resyncs: (() => Promise<void>)[] = [];
  private client: Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private lastHeartbeatAt = Number.NEGATIVE_INFINITY;
  private connected = false;

  constructor(
    @Inject(LISTENER_URL) private readonly url: string,
    private readonly clock: Clock,
  ) {}

  /** Subscribes to the notifications whose payload begins with this word. */
  on(word: string, subscriber: Subscriber): void {
    this.subscribers.set(word, subscriber);
  }

  /** Adds what must be read whenever notifications may have been missed. */
  onResync(catchUp: () => Promise<void>): void {
    this.resyncs.push(catchUp);
  }

  /** Connects and catches up. Throws when the first attempt fails: a server that cannot hear must not start. */
  async start(): Promise<void> {
    await this.connect();
    this.schedule(HEARTBEAT);
  }

  /** Milliseconds since the link was last known to be whole; everything committed before then has been heard. */
  get lagMs(): number {
    return this.clock.elapsed() - this.lastHeartbeatAt;
  }

  /** Whether the link stands and nothing has been missed. */
  get isSynchronized(): boolean {
    return this.connected && this.lagMs < HEARTBEAT + QUERY_TIMEOUT;
  }

  /** After the last answer: until then a token may be checked, and what ends its session must be heard. */
  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
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
    for (const catchUp of this.resyncs) await catchUp();
    if (this.client !== client) throw new Error('The link was lost while catching up');
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
    if (!this.stopped) this.timer = setTimeout(() => void this.beat(), delay);
  }

  /** Asks the link for a sign of life, or makes a new one. A link that is silent is as good as lost. */
  private async beat(): Promise<void> {
    try {
      if (this.connected && this.client) {
        const sent = this.clock.elapsed();
        await this.client.query('SELECT 1');
        this.lastHeartbeatAt = sent;
      } else {
        await this.connect();
        this.logger.log('The link to the database stands again and has caught up');
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
    // While it is still being made, connect() itself finds out.
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
