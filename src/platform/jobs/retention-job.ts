import type { Logger, OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';

/** Milliseconds from one tidying to the next. */
const INTERVAL = 3_600_000;

/** Removes rows that are out of date, at the start and every hour. Several instances may do it at once. */
export abstract class RetentionJob implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  /** `what` is removed, for the log. */
  protected constructor(
    private readonly what: string,
    private readonly logger: Logger,
  ) {}

  /** Removes what is out of date by now. */
  abstract run(): Promise<void>;

  onApplicationBootstrap(): void {
    const tidy = () =>
      void this.run().catch((error) => {
        if (!this.stopped) this.logger.warn(`${this.what} could not be removed: ${error}`);
      });
    this.timer = setInterval(tidy, INTERVAL).unref();
    tidy();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearInterval(this.timer);
  }

  /** Repeats a removal of up to `batch` rows, none of which holds a lock for long, until little is left or the server stops. */
  protected async inBatches(batch: number, remove: () => Promise<number>): Promise<void> {
    while (!this.stopped && (await remove()) === batch);
  }
}
