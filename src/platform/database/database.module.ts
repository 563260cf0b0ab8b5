import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Clock } from '../common/clock.js';
import { dataSourceOptions } from './data-source.js';
import { Database } from './database.js';
import { DatabaseListener, LISTENER_URL } from './listener.js';

/** Milliseconds after which a request is told that the database is unavailable. */
const QUERY_TIMEOUT = 3_000;

/** The database for every module: `Database` for statements, `DatabaseListener` for what other instances did. */
@Global()
@Module({})
export class DatabaseModule {
  static with({ url, pool, timeout = QUERY_TIMEOUT }: { url: string; pool: number; timeout?: number }) {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRoot({
          ...dataSourceOptions(url, { pool, timeout }),
          autoLoadEntities: true,
          retryAttempts: 0,
        }),
      ],
      providers: [Clock, Database, DatabaseListener, { provide: LISTENER_URL, useValue: url }],
      exports: [Clock, Database, DatabaseListener],
    };
  }
}
