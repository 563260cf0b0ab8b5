import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../platform/common/clock.js';
import { Database } from '../platform/database/database.js';
import type { Change } from '../platform/database/feed/change-feed.js';

const PAGE = 5_000;
/** Seconds that a transaction may have been open before its commit: rows tell when they were written, not when committed. */
const LONGEST_TRANSACTION = 600;
/** Milliseconds between two lines of the log about a long reading. */
const REPORT_EVERY = 2_000;

/** $1 seconds back */
const BEGINNING = 'SELECT (now() - $1 * interval \'1 s\')::text AS "at"';

/** $1 and $2 the time and number of the row that the last page ended with, $3 kinds, $4 limit */
const PAGE_AFTER = {
  name: 'changes-page',
  text: `
  SELECT at::text, number, kind, id, ver, roles, floor, kept, disabled
  FROM changes_after($1::timestamptz, $2::bigint, $3::text[], $4::integer)`,
};

type Row = Omit<Change, 'number'> & { at: string; number: string };

/** The changes of a while ago, which an instance has to know before it can go by the feed. */
@Injectable()
export class PastChanges {
  private readonly logger = new Logger(PastChanges.name);

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Gives `take` every change of these kinds that was committed within the last `seconds`, oldest first, page by page:
   * a million of them are never in memory at once, and no statement takes long.
   */
  async read(kinds: string[], seconds: number, take: (change: Change) => void): Promise<void> {
    const [beginning] = await this.database.manager.query<{ at: string }[]>(BEGINNING, [seconds + LONGEST_TRANSACTION]);
    let last = { at: beginning?.at ?? '-infinity', number: '0' };
    let count = 0;
    let reportAt = this.clock.elapsed() + REPORT_EVERY;
    for (;;) {
      const rows = await this.database.run<Row>(PAGE_AFTER, [last.at, last.number, kinds, PAGE]);
      for (const row of rows) take({ ...row, number: Number(row.number) });
      count += rows.length;
      last = rows.at(-1) ?? last;
      if (rows.length < PAGE) return;
      if (this.clock.elapsed() < reportAt) continue;
      this.logger.log(`Reading what was ended of late: ${count} entries so far`);
      reportAt += REPORT_EVERY;
    }
  }
}
