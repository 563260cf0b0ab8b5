import { Injectable, Logger } from '@nestjs/common';
import type { Pool, QueryResultRow } from 'pg';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { repeatOnConflict } from './repeat-on-conflict.js';

/** A statement that Postgres parses and plans once on each connection. The name belongs to the text for good. */
export interface Statement {
  name: string;
  text: string;
}

/** The one way to the database: hot statements by name, everything else through TypeORM's manager. */
@Injectable()
export class Database {
  private readonly logger = new Logger(Database.name);
  private readonly afterwards = new WeakMap<QueryRunner, (() => void)[]>();

  private statements: EntityManager | undefined;

  constructor(private readonly source: DataSource) {}

  /** TypeORM's manager, for statements outside a transaction. One that was undone for the sake of another is run again. */
  get manager(): EntityManager {
    this.statements ??= repeating(this.source.manager);
    return this.statements;
  }

  /** Runs a named prepared statement in one round trip and returns its rows; again where it was undone for the sake of another. */
  async run<Row extends QueryResultRow>(statement: Statement, values: unknown[]): Promise<Row[]> {
    const { rows } = await repeatOnConflict(() => this.pool.query<Row>({ ...statement, values }));
    return rows;
  }

  /**
   * Runs `work` in one transaction, on a connection of its own; whatever it throws rolls everything back. Where the database
   * undoes it for the sake of another it is run again, so `work` changes nothing but what it writes and what it says to
   * `afterCommit`.
   */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return repeatOnConflict(() => this.transactionOnce(work));
  }

  /** As `transaction`, for work that cannot be run again. */
  async transactionOnce<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const afterwards: (() => void)[] = [];
    const result = await this.source.transaction(async (manager) => {
      const runner = runnerOf(manager);
      this.afterwards.set(runner, afterwards);
      return work(manager).finally(() => this.afterwards.delete(runner));
    });
    for (const act of afterwards) this.actAfterwards(act);
    return result;
  }

  /** Runs `work` in a savepoint of the manager's transaction; whatever it throws rolls back that much. */
  async savepoint<T>(manager: EntityManager, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const afterwards = this.afterwardsOf(manager);
    const before = afterwards.length;
    try {
      return await manager.transaction(work);
    } catch (error) {
      afterwards.length = before;
      throw error;
    }
  }

  /**
   * Runs `act` once the manager's transaction has committed, and never where it or its savepoint rolls back. What `act`
   * throws is logged: the change is made all the same.
   */
  afterCommit(manager: EntityManager, act: () => void): void {
    this.afterwardsOf(manager).push(act);
  }

  /** Whether the database answers. */
  async answers(): Promise<boolean> {
    const rows = await this.source.query<unknown[]>('SELECT 1');
    return rows.length === 1;
  }

  /** Whether every migration of this build is applied. */
  async isMigrated(): Promise<boolean> {
    return !(await this.source.showMigrations());
  }

  private afterwardsOf(manager: EntityManager): (() => void)[] {
    const afterwards = this.afterwards.get(runnerOf(manager));
    if (!afterwards) throw new Error('This is no transaction of Database.transaction');
    return afterwards;
  }

  private actAfterwards(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.logger.error('What was to follow a transaction failed', error);
    }
  }

  private get pool(): Pool {
    return (this.source.driver as unknown as { master: Pool }).master;
  }
}

function runnerOf(manager: EntityManager): QueryRunner {
  if (!manager.queryRunner) throw new Error('This manager is in no transaction');
  return manager.queryRunner;
}

function repeating(manager: EntityManager): EntityManager {
  return Object.create(manager, {
    query: { value: (sql: string, values?: unknown[]) => repeatOnConflict(() => manager.query(sql, values)) },
  });
}
