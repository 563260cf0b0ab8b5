import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { OperatorActor } from '../access/actor.js';
import { AppModule } from '../app/app.module.js';
import { updateSchema } from '../app/update-schema.js';
import type { Config } from '../platform/config/config.js';
import { startEmbeddedPostgres } from '../platform/database/embedded/embedded-postgres.js';
import { createLogger, NestLogger } from '../platform/observability/logger.js';
import { AppSecretProof } from '../tokens/app-secret-proof.js';
import { readConfig } from './settings.js';

/**
 * Runs a command on the modules of the server, without HTTP, on the same database: the embedded Postgres too, which is
 * started or, where a server has it running, shared. Log lines go to standard error.
 * Throws WrongAppSecretError where the settings are not those of the database.
 */
export async function withApp<T>(work: (app: INestApplicationContext, config: Config) => Promise<T>): Promise<T> {
  const config = readConfig();
  const logger = await createLogger(config, process.stderr);
  const postgres = config.databaseUrl
    ? undefined
    : await startEmbeddedPostgres({ dataDir: join(config.dataDir, 'postgres'), log: (line) => logger.info(line) });
  try {
    const url = config.databaseUrl ?? postgres?.url ?? '';
    const warn = (sentence: string) => logger.warn(sentence);
    await updateSchema(config, { databaseUrl: url, superuserUrl: postgres?.superuserUrl, warn });
    const app = await NestFactory.createApplicationContext(AppModule.with(config, url, 0), {
      logger: new NestLogger(logger),
      abortOnError: false,
    });
    try {
      await app.get(AppSecretProof).check();
      return await work(app, config);
    } finally {
      await app.close();
    }
  } finally {
    await postgres?.stop();
  }
}

/** Who is at the command line, for the audit log: nobody with an account, but somebody with a name on this machine. */
export function operator(): OperatorActor {
  return { kind: 'operator', name: `cli:${userName()}`, context: null };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown'); // a container's user may have a number only
  }
}
