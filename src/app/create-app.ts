import cors from '@fastify/cors';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { assertSchemas } from '../access/route-manifest.js';
import { registerLoadShedding } from '../auth/sign-in/load-shedding.js';
import { PasswordHasher } from '../credentials/passwords/password-hasher.js';
import type { Config } from '../platform/config/config.js';
import { QUERY_TIMEOUT } from '../platform/database/database.module.js';
import { limitDatabaseTime } from '../platform/database/request-deadline.js';
import { HOST_IS_CHECKED_HERE, takeBareRefusals } from '../platform/http/bare-refusals.js';
import { readClientAddresses } from '../platform/http/client-address.js';
import { refuseUnreadable } from '../platform/http/client-errors.js';
import { closeStalled, limitPipelining } from '../platform/http/connections.js';
import { Draining, endConnectionsWhileDraining } from '../platform/http/draining.js';
import { ErrorFilter } from '../platform/http/error.filter.js';
import { acceptStrictJson } from '../platform/http/json-body.js';
import { answerOpenPreflights, openToAll } from '../platform/http/open-documents.js';
import { basePathOf, logRequests, requestId, routableUrl, setHeaders } from '../platform/http/requests.js';
import { RouteTable } from '../platform/http/route-table.js';
import { SchemaPipe } from '../platform/http/schema.pipe.js';
import { securityHeaders } from '../platform/http/security-headers.js';
import { forEachServer } from '../platform/http/servers.js';
import { NestLogger } from '../platform/observability/logger.js';
import { LoginThrottle } from '../platform/rate-limiting/login-throttle.service.js';
import { registerRateLimit } from '../platform/rate-limiting/register-rate-limit.js';
import { TrustedNetworks } from '../platform/rate-limiting/trusted-networks.js';
import { servePage } from '../web/serve-page.js';
import { AppModule } from './app.module.js';
import { letDocsLoad, serveOpenApi } from './openapi.js';

/** Bytes of a body at most. */
const BODY_LIMIT = 64 * 1024;
/** Node takes no longer one, so no part of an address is refused by itself, past hooks and guards. */
const LONGEST_URL = 16 * 1024;
/** Milliseconds for a request to arrive whole, so that a slow sender holds no connection for long. */
const REQUEST_TIMEOUT = 10_000;

/** Builds the application with everything that stands around the modules: parsers, pipes, the filter, headers, the document. */
export async function createApp(config: Config, databaseUrl: string, logger: Logger): Promise<NestFastifyApplication> {
  const routes = new RouteTable();
  const basePath = basePathOf(config.publicUrl);
  const filter = new ErrorFilter(logger, (path) => routes.methodsOf(path));
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    keepAliveTimeout: 72_000,
    // Fastify's own option: Nest's of the same name would cut off the requests in flight too.
    forceCloseConnections: 'idle',
    // A request that comes on an open connection while we stop is answered like every other; its connection then ends.
    return503OnClosing: false,
    // Node looks for late requests every 30 s unless told otherwise, and where the headers have more time than the
    // whole request it exchanges the two.
    http: {
      connectionsCheckingInterval: 1_000,
      headersTimeout: REQUEST_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      ...HOST_IS_CHECKED_HERE,
    },
    genReqId: requestId,
    clientErrorHandler: refuseUnreadable,
    rewriteUrl: routableUrl(basePath, routes),
    routerOptions: { maxParamLength: LONGEST_URL },
    skipMiddie: true,
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  forEachServer(fastify, closeStalled);
  limitPipelining(fastify);
  fastify.addHook('onRoute', (route) => {
    routes.add(route);
    letDocsLoad(route);
    openToAll(route);
    route.errorHandler = (error, request, reply) => filter.answer(error, request, reply);
  });
  readClientAddresses(fastify, config.trustedProxies);
  setHeaders(fastify, await securityHeaders(config));
  limitDatabaseTime(fastify, QUERY_TIMEOUT);
  logRequests(fastify, logger);
  takeBareRefusals(fastify);
  // Preflights end here, so they are limited here too; all else is limited afterwards, so that a page can read a refusal.
  if (config.rateLimits) registerRateLimit(fastify, ({ method }) => method === 'OPTIONS');
  answerOpenPreflights(fastify);
  if (config.corsOrigins.length > 0) await allowOrigins(fastify, config);
  if (config.rateLimits) registerRateLimit(fastify, ({ method }) => method !== 'OPTIONS');
  await servePage(fastify, basePath);
  const modules = AppModule.with(config, databaseUrl);
  assertSchemas(modules);
  const app = await NestFactory.create<NestFastifyApplication>(modules, adapter, {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  endConnectionsWhileDraining(fastify, app.get(Draining));
  registerLoadShedding(fastify, app.get(PasswordHasher), app.get(LoginThrottle), app.get(TrustedNetworks));
  acceptStrictJson(fastify);
  app.useGlobalFilters(filter);
  app.useGlobalPipes(new SchemaPipe());
  serveOpenApi(app, config);
  return app;
}

/** Lets the pages of some origins read what is answered to them, and answers their preflights. */
async function allowOrigins(fastify: FastifyInstance, { corsOrigins }: Config): Promise<void> {
  await fastify.register(cors, {
    origin: [...corsOrigins],
    // An OPTIONS request that is not a preflight is granted nothing, and needs no refusal of the library's own making.
    strictPreflight: false,
    credentials: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [
      'X-Request-Id',
      'Retry-After',
      'WWW-Authenticate',
      'RateLimit-Limit',
      'RateLimit-Remaining',
      'RateLimit-Reset',
    ],
    maxAge: 600,
  });
}
