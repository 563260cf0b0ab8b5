import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '../database/database.js';

const EVERY = 600_000;

/** A network from which nobody has signed in for longer than a session can live is as unknown as any other. */
const OUTDATED = [
  'DELETE FROM guesses WHERE expires_at < now()',
  'DELETE FROM quotas WHERE expire < 1000 * extract(epoch FROM now())',
  `DELETE FROM known_addresses WHERE seen_at < now() - interval '400 days'`,
];

/** Removes counts whose time is over, and addresses from which nobody has signed in for more than a year. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Limits');
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    const tidy = () => void this.tidy().catch((error) => this.logger.warn(`Old counts could not be removed: ${error}`));
    this.timer = setInterval(tidy, EVERY).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Removes what is out of date. Several instances may do it at once. */
  async tidy(): Promise<void> {
    for (const statement of OUTDATED) await this.database.manager.query(statement);
  }
}
