import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/common/clock.js';
import { Database } from '../platform/database/database.js';

/** Milliseconds for which what was found is told to all who ask. */
const FRESH = 1_000;

/** What was found of the database. */
export interface Found {
  answers: boolean;
  migrated: boolean;
}

/** Looks whether the database is fit for use, once a second for all callers: the route is public, and must not keep the database busy. */
@Injectable()
export class DatabaseProbe {
  private found: Promise<Found> | undefined;
  private lookAgainAt = 0;
  private migrated = false;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** What is being found just now, or was found within the last second. */
  look(): Promise<Found> {
    if (this.found === undefined || this.clock.elapsed() >= this.lookAgainAt) {
      this.lookAgainAt = Number.POSITIVE_INFINITY;
      this.found = this.ask().finally(() => {
        this.lookAgainAt = this.clock.elapsed() + FRESH;
      });
    }
    return this.found;
  }

  /** A schema that is migrated stays so. */
  private async ask(): Promise<Found> {
    const answers = await this.database.answers().catch(() => false);
    this.migrated ||= answers && (await this.database.isMigrated().catch(() => false));
    return { answers, migrated: this.migrated };
  }
}
