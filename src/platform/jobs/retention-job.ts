import { Inject, Injectable, type Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '../database/database.js';

/** When rows that are out of date are removed, and how many at a time. */
export interface RetentionSchedule {
  /** Milliseconds from one removal to the next. */
  interval: number;
  /** Rows in one statement: none of them holds its locks for long. */
  batch: number;
}

export const RETENTION_SCHEDULE = Symbol('RETENTION_SCHEDULE');
export const HOURLY: RetentionSchedule = { interval: 3_600_000, batch: 1_000 };

/** Removes up to `batch` rows and returns how many it removed. Rows that another instance is removing are left to it. */
export type Removal = (batch: number) => Promise<number>;

interface Registered {
  what: string;
  logger: Logger;
  removals: Removal[];
}

/**
 * Removes rows that are out of date, at the start and every hour: whatever the modules have registered by then. Several
 * instances may do it at once.
 */
@Injectable()
export class RetentionJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly registered: Registered[] = [];
  private timer: NodeJS.Timeout | undefined;
  private running = false;
  private stopped = false;

  constructor(
    private readonly database: Database,
    @Inject(RETENTION_SCHEDULE) private readonly schedule: RetentionSchedule,
  ) {}

  /** From here on `removals` are made too, in this order. `what` is removed, for the log of the module. */
  register(what: string, logger: Logger, ...removals: Removal[]): void {
    this.registered.push({ what, logger, removals });
  }

  /**
   * The removal by one DELETE, which takes the size of a batch as $1 and then `values`. What is out of date it asks of the
   * database's clock, now(): a process whose own is ahead would remove what others use.
   */
  statement(sql: string, values: unknown[] = []): Removal {
    return async (batch) => {
      const [, count] = await this.database.manager.query<[unknown[], number]>(sql, [batch, ...values]);
      return count;
    };
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.run(), this.schedule.interval).unref();
    void this.run();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearInterval(this.timer);
  }

  /** Removes what is out of date by now. What fails is logged, and keeps nothing else from being removed. */
  async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    for (const registered of this.registered) await this.removeAll(registered);
    this.running = false;
  }

  private async removeAll({ what, logger, removals }: Registered): Promise<void> {
    try {
      for (const removal of removals) await this.inBatches(removal);
    } catch (error) {
      if (!this.stopped) logger.warn(`${what} could not be removed: ${error}`);
    }
  }

  /** Until little is left or the server stops. */
  private async inBatches(removal: Removal): Promise<void> {
    const { batch } = this.schedule;
    while (!this.stopped && (await removal(batch)) === batch);
  }
}
