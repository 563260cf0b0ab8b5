import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Client } from 'pg';
import type { Clock } from '../../common/clock.js';
import { InterruptibleTimer } from '../../common/interruptible-timer.js';
import { PooledClient } from '../pooled-client.js';
import { isDirect } from '../probe.js';
import { repeatOnConflict } from '../repeat-on-conflict.js';
import { enterSchema } from '../schema.js';
import { settle } from '../session-settings.js';
import { Bell } from './bell.js';
import { ChangeCursor } from './change-cursor.js';
import { Flood } from './flood.js';
import type { Look, LookSource } from './look.js';
import { BEAT, PULSE_INTERVAL } from './pulse.js';

const QUERY_TIMEOUT = 2_000;
/** Milliseconds until a lost link is made again. */
const RETRY = 500;
/** Milliseconds between two looks where no bell rings. */
const POLL = 250;
/** Milliseconds between two looks in a flood of changes, for which no bell rings. */
const POLL_IN_FLOOD = 50;
/** Milliseconds between two looks at least, however often the bell rings. */
const CLOSEST = 10;
/** Milliseconds for which a bell that is not heard may be silent before the link is made anew. */
const DEAF = 10_000;

/** Where an instance looks for changes, and how it learns that there are some. */
export interface LinkSettings {
  /** The URL to look at: past any pooler where `listens`. */
  url: string;
  /** The name of the connection in pg_stat_activity. */
  name: string;
  /** Whether notifications ring the bell; otherwise the link looks every 250 ms. */
  listens: boolean;
  /** Whether changes go over this URL too, so that the link may commit pulses; otherwise the pool has to. */
  beats: boolean;
  /** Sends a notification the way that changes go, through the pool. */
  ring: (word: string) => Promise<unknown>;
}

/** How a deployment reaches its database: for statements, for the link, and whether that listens. */
export interface LinkPlace {
  /** It may lead through a pooler. */
  url: string;
  /** Leads to Postgres itself, to listen there. */
  directUrl: string;
  feed: 'notify' | 'poll';
}

/** Where a link of this name leads, and what it does there. */
export function linkSettings(
  { url, directUrl, feed }: LinkPlace,
  name: string,
  ring: LinkSettings['ring'],
): LinkSettings {
  const listens = feed === 'notify';
  const linkUrl = listens ? directUrl : url;
  return { url: linkUrl, name, listens, beats: linkUrl === url, ring };
}

/**
 * A connection of its own that looks for changes: when a notification rings, and every second at least. Where
 * notifications do not arrive it looks four times a second. One that is lost is made again, and goes on where it was.
 */
export class DatabaseLink implements LookSource {
  private readonly logger = new Logger(DatabaseLink.name);
  private readonly timer = new InterruptibleTimer();
  private readonly bell: Bell;
  private readonly cursor: ChangeCursor;
  private readonly flood: Flood;
  private receive: (look: Look) => void = () => {};
  private client: Client | undefined;
  private running: Promise<void> | undefined;
  private isDeaf = false;
  private stopped = false;

  constructor(
    private readonly settings: LinkSettings,
    private readonly clock: Clock,
  ) {
    this.cursor = new ChangeCursor(clock);
    this.flood = new Flood(clock);
    this.bell = new Bell(clock, () => this.timer.wake());
  }

  /** Connects, looks once and proves that notifications arrive. Throws ChannelError where they do not, or the error of pg. */
  async start(receive: (look: Look) => void): Promise<void> {
    this.receive = receive;
    await this.look(await this.connect());
    if (this.settings.listens) await this.bell.prove(this.settings.ring);
    this.running = this.run();
  }

  /** Looks at once. */
  lookSoon(): void {
    this.timer.wake();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer.stop();
    await this.drop();
    await this.running;
  }

  private async run(): Promise<void> {
    let isLost = false;
    while (!this.stopped) {
      const began = this.clock.elapsed();
      try {
        if (this.client) await this.beat(this.client);
        await this.look(this.client ?? (await this.connect()));
        if (isLost) this.logger.log('The link to the database stands again');
        isLost = false;
        await this.timer.sleepThrough(CLOSEST - (this.clock.elapsed() - began));
        await this.timer.sleep(await this.untilNextLook());
      } catch (error) {
        await this.drop();
        if (!isLost && !this.stopped) this.logger.warn(`The link to the database is lost; trying again (${error})`);
        isLost = true;
        await this.timer.sleepThrough(RETRY);
      }
    }
  }

  /** A link that hears its pulses only looks from time to time. Others would all pulse at once but for the chance in it. */
  private async untilNextLook(): Promise<number> {
    if (!this.settings.listens) return POLL;
    if (this.flood.isOn) return POLL_IN_FLOOD;
    if (!this.cursor.rings) return POLL;
    if (this.bell.isHeard) {
      this.isDeaf = false;
      return PULSE_INTERVAL + randomInt(200);
    }
    if (this.bell.silentFor > DEAF) {
      if (!this.isDeaf)
        this.logger.warn('Notifications of the database do not arrive; looking four times a second until they do');
      this.isDeaf = true;
      await this.drop();
    }
    return POLL;
  }

  /** Commits a pulse where one is due. Before the look, which thereby sees it. */
  private async beat(client: Client): Promise<void> {
    const { beats, listens } = this.settings;
    if (beats && this.cursor.pulseAge >= PULSE_INTERVAL)
      await repeatOnConflict(() => client.query(BEAT.text, [listens, this.flood.isOn]));
  }

  private async look(client: Client): Promise<void> {
    // Whatever has rung until now, a pulse of its own above all, is seen by this look.
    this.timer.forget();
    await this.cursor.advance(client, (look) => {
      this.flood.add(look.changes.length);
      this.receive({ ...look, words: this.bell.take() });
    });
  }

  private async connect(): Promise<Client> {
    const client = new PooledClient({
      connectionString: this.settings.url,
      application_name: this.settings.name,
      connectionTimeoutMillis: QUERY_TIMEOUT,
      query_timeout: QUERY_TIMEOUT,
      keepAlive: true,
    });
    this.client = client;
    const lose = () => {
      if (this.client !== client) return;
      this.client = undefined;
      this.timer.wake();
    };
    client.on('error', lose);
    client.on('end', lose);
    await client.connect();
    // A link that looks over the URL of the pool may stand behind a pooler, which no SET may be left with.
    if (this.settings.listens || (await isDirect(client))) {
      await settle(client, { isLocal: false });
      await enterSchema(client);
    }
    if (this.settings.listens) await this.bell.hang(client);
    return client;
  }

  private async drop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    // end() waits for a server that may never answer.
    if (client) await Promise.race([client.end().catch(() => undefined), wait(200, undefined, { ref: false })]);
  }
}
