import { RequestMethod } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { pino } from 'pino';

/** Run by routes.spec.ts as a program of its own: prints the routes of the built application with the access of each. */

/** @param {string} path */
const built = (path) => import(new URL(`../../dist/src/${path}`, import.meta.url).href);

const { createApp } = await built('app/create-app.js');
const { accessRuleOf } = await built('access/route-access.js');
const { loadConfig } = await built('platform/config/config.js');

/** @param {unknown} rule */
const inWords = (rule) => {
  const { kind, ...rest } = /** @type {{ kind: string }} */ (rule);
  return [kind, ...Object.values(rest).flat()].join(' ');
};

const app = await createApp(loadConfig(process.env), process.env.DATABASE_URL, pino({ level: 'silent' }));
await app.init();
await app.getHttpAdapter().getInstance().ready();

/** What the controllers say of their handlers. */
const access = Object.fromEntries(
  [...app.get(ModulesContainer).values()].flatMap((module) =>
    [...module.controllers.values()].flatMap(({ metatype }) => {
      const controller = /** @type {import('@nestjs/common').Type} */ (metatype);
      return new MetadataScanner().getAllMethodNames(controller.prototype).flatMap((name) => {
        const handler = controller.prototype[name];
        const method = Reflect.getMetadata('method', handler);
        if (method === undefined) return [];
        const path = `/${Reflect.getMetadata('path', controller)}/${Reflect.getMetadata('path', handler)}`.replace(
          /\/+/g,
          '/',
        );
        const rule = accessRuleOf(handler, controller);
        return [[`${RequestMethod[method]} ${path.replace(/(?<=.)\/$/, '')}`, rule && inWords(rule)]];
      });
    }),
  ),
);
const tree = app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false });
await app.close();
process.stdout.write(JSON.stringify({ tree, access }));
