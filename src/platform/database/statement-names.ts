import { Logger } from '@nestjs/common';

/** What a server answers that does not know a prepared statement, or knows another of the name. */
const BROKEN = new Set(['26000', '42P05']);

/** Whether the prepared statements of a pool may have names: for all of its connections, and off for good once they break. */
export class StatementNames {
  private readonly logger = new Logger('Database');

  constructor(private carried: boolean) {}

  get areCarried(): boolean {
    return this.carried;
  }

  /** Uses no names from now on where this error of a named statement says that they do not work; whether it does. */
  giveUpOn(error: unknown): boolean {
    if (!BROKEN.has((error as { code?: string } | null)?.code ?? '')) return false;
    if (this.carried) this.logger.warn('Named statements break behind this pooler; they are sent without names');
    this.carried = false;
    return true;
  }
}
