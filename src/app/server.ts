import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { FirstAdmin, type FirstAdminCredentials } from '../admin/first-admin.js';
import type { Config } from '../platform/config/config.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { Draining } from '../platform/http/draining.js';
import { AccessTokens } from '../tokens/access-tokens.service.js';
import { AppSecretProof } from '../tokens/app-secret-proof.js';
import { SigningKeys } from '../tokens/signing-keys.service.js';
import { WrongAppSecretError } from '../tokens/wrong-app-secret-error.js';
import { createApp } from './create-app.js';
import { ListenError } from './listen-error.js';

/** How long requests in flight may take to finish once the server is told to stop, in milliseconds. */
const GRACE = 10_000;

/** A server that takes requests. */
export interface Server {
  url: string;
  firstAdmin: FirstAdminCredentials | null;
  /** Says "not ready" from now on, and serves as before. */
  drain(): void;
  /** Takes no more requests, lets those in flight finish within 10 s, and closes. */
  close(): Promise<void>;
}

/** Starts one instance against a database that is migrated: it hears of revocations before it takes its first request. */
export async function startServer(config: Config, databaseUrl: string, logger: Logger): Promise<Server> {
  const app = await createApp(config, databaseUrl, logger);
  try {
    // Before anything begins to work with the keys that come from it.
    await app
      .get(AppSecretProof)
      .check()
      .catch((error) => forgiveAtHome(error, config, logger));
    await app.init();
    await app.get(SigningKeys).start();
    app.get(AccessTokens).assertLongestFits();
    await app.get(DatabaseFeed).start();
    await app.listen(config.port, config.host).catch((error) => {
      throw new ListenError(config.host, config.port, error);
    });
    // Last: the password is told once, so nothing may fail between making it and telling it.
    const firstAdmin = await app.get(FirstAdmin).ensure();
    return {
      url: addressOf(app, config),
      firstAdmin,
      drain: () => app.get(Draining).begin(),
      close: () => closeWithin(app, GRACE),
    };
  } catch (error) {
    await app.close().catch(() => undefined);
    throw error;
  }
}

/** On a developer's own machine, whose database comes along, another secret is let go on: the log says what that costs. */
function forgiveAtHome(error: unknown, { atHome, databaseUrl }: Config, logger: Logger): void {
  if (!atHome || databaseUrl !== undefined || !(error instanceof WrongAppSecretError)) throw error;
  logger.warn('APP_SECRET is another one than before: the sessions and passwords of before are of no use with it');
}

/** The address to tell a person: the port may have been left to the system. */
function addressOf(app: NestFastifyApplication, { host, publicUrl, port }: Config): string {
  const address = app.getHttpServer().address();
  const actual = typeof address === 'object' && address ? address.port : port;
  const shown = ['localhost', '0.0.0.0', '::'].includes(host) ? 'localhost' : host;
  return actual === port ? publicUrl : `http://${shown.includes(':') ? `[${shown}]` : shown}:${actual}`;
}

async function closeWithin(app: NestFastifyApplication, limit: number): Promise<void> {
  const server = app.getHttpServer();
  const late = setTimeout(() => server.closeAllConnections(), limit).unref();
  // Node closes what is idle when it is told to stop; a connection whose last answer is sent after that counts as well.
  const idle = setInterval(() => server.closeIdleConnections(), 50).unref();
  // Nest would first let its modules finish their own work, and take new connections meanwhile.
  server.close();
  await app.close();
  clearTimeout(late);
  clearInterval(idle);
}
