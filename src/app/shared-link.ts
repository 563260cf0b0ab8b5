import cluster, { type Worker } from 'node:cluster';
import { Clock } from '../platform/common/clock.js';
import type { Config } from '../platform/config/config.js';
import { DatabaseLink, linkSettings } from '../platform/database/feed/database-link.js';
import { linkName } from '../platform/database/feed/link-name.js';
import type { Look } from '../platform/database/feed/look.js';
import { lookMessage, WANTS_LOOKS } from '../platform/database/feed/primary-link.js';
import { RING } from '../platform/database/feed/pulse.js';
import { withClient } from '../platform/database/short-client.js';

/** The one link of this machine: hands each look to every worker that has asked for them. */
export class SharedLink {
  private readonly clock = new Clock();
  private readonly workers = new Set<Worker>();
  private readonly link: DatabaseLink;

  constructor({ revocationFeed, databaseDirectUrl }: Config, databaseUrl: string) {
    const place = { url: databaseUrl, directUrl: databaseDirectUrl ?? databaseUrl, feed: revocationFeed };
    this.link = new DatabaseLink(linkSettings(place, linkName(place.feed), ringOver(databaseUrl)), this.clock);
  }

  /** Throws ChannelError, or the error of pg. */
  async start(): Promise<void> {
    cluster.on('message', (worker, message) => {
      if (message !== WANTS_LOOKS) return;
      this.workers.add(worker);
      this.link.lookSoon();
    });
    cluster.on('exit', (worker) => this.workers.delete(worker));
    await this.link.start((look) => this.share(look));
  }

  async stop(): Promise<void> {
    await this.link.stop();
  }

  private share(look: Look): void {
    const message = lookMessage(look, this.clock);
    // One that is just ending hears no more.
    for (const worker of this.workers) if (worker.isConnected()) worker.send(message, () => undefined);
  }
}

/** Sends notifications over connections of their own: this process has no pool. */
function ringOver(url: string) {
  return (word: string) => withClient(url, (client) => client.query(RING, [word]));
}
