import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { onSendHookHandler, RouteOptions } from 'fastify';
import type { Config } from '../platform/config/config.js';
import { ownFilesPolicy } from '../platform/http/content-policy.js';
import { toJsonSchema } from '../platform/http/json-schema.js';
import { COOKIE_SCHEME, completeDocument } from '../platform/http/openapi-completion.js';
import { RefreshCookie } from '../sessions/refresh-cookie.js';

/** What `serveOpenApi` answers, to anybody. */
export const DOCS_FILES: readonly string[] = ['/openapi.json', '/docs', '/docs/*'];

/** Describes the whole API as OpenAPI 3.1: every body, answer, header and error. */
function describeApi(app: NestFastifyApplication, config: Pick<Config, 'publicUrl'>): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Gatehouse')
    .setDescription('Token authentication: checked without a database, revoked on the next request.')
    .setVersion('1')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer(config.publicUrl)
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .addSecurity(COOKIE_SCHEME, {
      type: 'apiKey',
      in: 'cookie',
      name: app.get(RefreshCookie, { strict: false }).name,
      description: 'The refresh token of a browser that has signed in with `X-Token-Delivery: cookie`',
    })
    .build();
  return completeDocument(
    SwaggerModule.createDocument(app, builder, {
      standardSchemaConverter: toJsonSchema,
      // A controller is a flow and may have routes of two tags: each says its own.
      autoTagControllers: false,
    }),
  );
}

/** Serves the document at /openapi.json and a page that shows it at /docs. */
export function serveOpenApi(app: NestFastifyApplication, config: Config): void {
  SwaggerModule.setup('docs', app, () => describeApi(app, config), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Gatehouse API',
    // Else the page asks a service on the internet whether our document is valid.
    swaggerOptions: { validatorUrl: null },
  });
}

/** swagger-ui brings its own files, and styles that stand inside its page. */
const DOCS_POLICY = ownFilesPolicy("'unsafe-inline'");

/** Gives the routes under /docs a policy by which a browser may show them. Called as each route is registered. */
export function letDocsLoad(route: RouteOptions): void {
  if (route.url === '/docs' || route.url.startsWith('/docs/')) route.onSend = sendDocs;
}

/** swagger-ui's page and script come without their character set (ASVS 5.0, 4.1.1). */
const sendDocs: onSendHookHandler = (_request, reply, payload, done) => {
  const type = String(reply.getHeader('content-type'));
  if (type === 'text/html' || type === 'application/javascript') void reply.type(`${type}; charset=utf-8`);
  void reply.header('content-security-policy', DOCS_POLICY);
  done(null, payload);
};
