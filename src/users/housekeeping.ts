import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Audit } from '../audit/audit.service.js';
import { Database } from '../database/database.js';

const EVERY = 3_600_000;
/** Rows at a time. Found by an array and not by IN, which a plan may run again and so lock more than the limit. */
const BATCH = 1_000;

const REMOVE_TOKENS = `
  DELETE FROM one_time_tokens WHERE hash = ANY (ARRAY(
    SELECT hash FROM one_time_tokens WHERE expires_at < now() - interval '1 day' ORDER BY expires_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))`;

const REMOVE_REGISTRATIONS = `
  DELETE FROM users WHERE id = ANY (ARRAY(
    SELECT id FROM users WHERE pending AND created_at < now() - interval '30 days' ORDER BY created_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))
  RETURNING id`;

/** Removes mailed links that are long dead, and registrations that nobody confirmed within 30 days. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Accounts');
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly database: Database,
    private readonly audit: Audit,
  ) {}

  onApplicationBootstrap(): void {
    const tidy = () =>
      void this.tidy().catch((error) => {
        if (!this.stopped) this.logger.warn(`Dead links and registrations could not be removed: ${error}`);
      });
    this.timer = setInterval(tidy, EVERY).unref();
    tidy();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearInterval(this.timer);
  }

  /** Removes what is out of date, in batches that hold no lock for long. Several instances may do it at once. */
  async tidy(): Promise<void> {
    for (let count = BATCH; count === BATCH && !this.stopped; )
      [, count] = await this.database.manager.query<[unknown[], number]>(REMOVE_TOKENS);
    for (let count = BATCH; count === BATCH && !this.stopped; ) count = await this.removeRegistrations();
  }

  private removeRegistrations(): Promise<number> {
    return this.database.transaction(async (manager) => {
      const [gone] = await manager.query<[{ id: string }[], number]>(REMOVE_REGISTRATIONS);
      const data = { unconfirmed: true };
      await this.audit.recordAll(
        gone.map(({ id }) => ({ type: 'user.deleted', actorId: null, userId: id, client: null, data })),
        manager,
      );
      return gone.length;
    });
  }
}
