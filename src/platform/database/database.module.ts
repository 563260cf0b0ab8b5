import cluster from 'node:cluster';
import { Global, Logger, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Client } from 'pg';
import { Clock } from '../common/clock.js';
import { dataSourceOptions } from './data-source.js';
import { Database } from './database.js';
import { DatabaseFeed, LOOK_SOURCE } from './feed/database-feed.js';
import { DatabaseLink, type LinkPlace, linkSettings } from './feed/database-link.js';
import { LINK_NAME, linkName } from './feed/link-name.js';
import { PrimaryLink } from './feed/primary-link.js';
import { Pulse, RING } from './feed/pulse.js';
import { detectPooling, type Pooling } from './pooler.js';
import { checkPathBehindPooler, findSchema } from './schema.js';
import { weakSchemas } from './schema-rights.js';
import { unfitSettings } from './session-settings.js';
import { withClient } from './short-client.js';

/** Milliseconds after which a request is told that the database is unavailable. */
export const QUERY_TIMEOUT = 3_000;

/** Where the database is, and how this instance uses it. */
export interface DatabaseSettings extends LinkPlace {
  /** Connections at most. */
  pool: number;
  /** Milliseconds that a statement may take, 0 for as long as it likes. */
  timeout?: number | undefined;
}

/** The database for every module: `Database` for statements, `DatabaseFeed` for what other instances did. */
@Global()
@Module({})
export class DatabaseModule {
  static with({ pool, timeout = QUERY_TIMEOUT, ...place }: DatabaseSettings) {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: async () => ({
            ...(await optionsFor(place.url, { pool, timeout })),
            autoLoadEntities: true,
            retryAttempts: 0,
          }),
        }),
      ],
      providers: [
        Clock,
        Database,
        Pulse,
        DatabaseFeed,
        { provide: LINK_NAME, useFactory: () => linkName(place.feed) },
        {
          provide: LOOK_SOURCE,
          // Workers of one machine share the link of the process that started them.
          useFactory: (name: string, database: Database, clock: Clock) => {
            if (cluster.isWorker) return new PrimaryLink(clock);
            const ring = (word: string) => database.manager.query(RING, [word]);
            return new DatabaseLink(linkSettings(place, name, ring), clock);
          },
          inject: [LINK_NAME, Database, Clock],
        },
      ],
      exports: [Clock, Database, Pulse, DatabaseFeed, LINK_NAME],
    };
  }
}

async function optionsFor(url: string, limits: { pool: number; timeout: number }) {
  const pooling = await detectPooling(url);
  const logger = new Logger('Database');
  const names = pooling.namedStatements ? 'with' : 'without';
  if (pooling.pooled) logger.log(`A pooler answers at DATABASE_URL: statements are sent ${names} names`);
  const schema = await withClient(url, (client) => lookAround(client, pooling, logger));
  return dataSourceOptions(url, limits, pooling, schema ?? undefined);
}

/** Where our tables are. Warns of what is unfit for us. Throws SchemaError where a pooler leads names elsewhere. */
async function lookAround(client: Client, { pooled }: Pooling, logger: Logger): Promise<string | null> {
  const unfit = pooled ? await unfitSettings(client) : null;
  if (unfit !== null) logger.warn(unfit);
  const { found: schema } = await findSchema(client);
  if (schema === null) return null;
  if (pooled) await checkPathBehindPooler(client, schema);
  for (const finding of await weakSchemas(client, { schema, pooled })) logger.warn(finding);
  return schema;
}
