import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Clock } from '../common/clock.js';
import { dataSourceOptions } from './data-source.js';
import { Database } from './database.js';
import { DatabaseListener, LISTENER_URL } from './listener.js';

/** Milliseconds after which a request is told that the database is unavailable. */
const PATIENCE = 3_000;

/** The database for every room: `Database` for statements, `DatabaseListener` for what other instances did. */
@Global()
@Module({})
export class DatabaseModule {
  static with({ url, pool, patience = PATIENCE }: { url: string; pool: number; patience?: number }) {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRoot({
          ...dataSourceOptions(url, { pool, patience }),
          autoLoadEntities: true,
          retryAttempts: 0,
        }),
      ],
      providers: [Clock, Database, DatabaseListener, { provide: LISTENER_URL, useValue: url }],
      exports: [Clock, Database, DatabaseListener],
    };
  }
}
