import { pino } from 'pino';

/**
 * Run by routes.spec.ts as a program of its own, for Jest cannot load what Fastify's plugins load: prints what Fastify serves,
 * the manifest, and which paths of it are files.
 */

/** @param {string} path */
const built = (path) => import(new URL(`../../dist/src/${path}`, import.meta.url).href);

const { routesOf } = await built('access/route-manifest.js');
const { AppModule } = await built('app/app.module.js');
const { createApp } = await built('app/create-app.js');
const { DOCS_FILES } = await built('app/openapi.js');
const { loadConfig } = await built('platform/config/config.js');
const { PAGE_FILES } = await built('web/serve-page.js');

const config = loadConfig(process.env);
const app = await createApp(config, config.databaseUrl, pino({ level: 'silent' }));
await app.init();
await app.getHttpAdapter().getInstance().ready();
const tree = app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false });
await app.close();

const files = [...DOCS_FILES, ...PAGE_FILES];
const manifest = routesOf(AppModule.with(config, config.databaseUrl), files);
process.stdout.write(JSON.stringify({ tree, manifest, files }));
