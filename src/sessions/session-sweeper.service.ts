import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { DebouncedTask } from '../platform/jobs/debounced-task.js';

/** Rows in one statement: none of them holds its locks for long. */
const BATCH = 1_000;

const SWEEP = { name: 'sessions-sweep', text: 'SELECT sessions_sweep($1::integer) AS changed' };

/**
 * Brings the rows of sessions into line with the floors that ended them, and removes those whose user is gone, in batches.
 * Nobody waits for it: a session below a floor is dead whatever its row says. Several instances may sweep at once.
 */
@Injectable()
export class SessionSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(SessionSweeper.name);
  private readonly task = new DebouncedTask(() => this.run());
  private isStopped = false;

  constructor(
    private readonly database: Database,
    feed: DatabaseFeed,
  ) {
    feed.onBell('sweep', () => this.schedule());
    // Where nothing is notified, a floor tells that there is something to sweep.
    for (const kind of ['user', 'epoch']) feed.on(kind, ({ floor }) => floor !== null && this.schedule());
  }

  /** Also looks for what a server that died has left. */
  onApplicationBootstrap(): void {
    this.task.start();
    this.schedule();
  }

  onModuleDestroy(): void {
    this.isStopped = true;
    this.task.stop();
  }

  /** Told of a floor that was raised. */
  schedule(): void {
    this.task.schedule();
  }

  /** Sweeps until nothing is left to take. */
  async sweep(): Promise<void> {
    let changed: number | null | undefined;
    do {
      changed = (await this.database.run<{ changed: number | null }>(SWEEP, [BATCH]))[0]?.changed;
    } while (changed !== null && !this.isStopped);
  }

  private async run(): Promise<void> {
    // What could not be done is done with the next turn.
    await this.sweep().catch((error) => {
      if (!this.isStopped) this.logger.warn(`Sessions could not be swept: ${error}`);
    });
  }
}
