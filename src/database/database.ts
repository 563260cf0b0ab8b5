import { Injectable } from '@nestjs/common';
import type { Pool, QueryResultRow } from 'pg';
import { DataSource, type EntityManager } from 'typeorm';

/** A statement that Postgres parses and plans once on each connection. The name belongs to the text for good. */
export interface Statement {
  name: string;
  text: string;
}

/** The one way to the database: hot statements by name, everything else through TypeORM's manager. */
@Injectable()
export class Database {
  constructor(private readonly source: DataSource) {}

  /** TypeORM's manager, for repositories and for statements outside a transaction. */
  get manager(): EntityManager {
    return this.source.manager;
  }

  /** Runs a named prepared statement in one round trip and returns its rows. */
  async run<Row extends QueryResultRow>(statement: Statement, values: unknown[]): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>({ ...statement, values });
    return rows;
  }

  /** Runs `work` in one transaction; whatever it throws rolls everything back. */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.source.transaction(work);
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

  private get pool(): Pool {
    return (this.source.driver as unknown as { master: Pool }).master;
  }
}
