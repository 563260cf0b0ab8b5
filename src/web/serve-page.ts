import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { ownFilesPolicy } from '../common/content-policy.js';
import { PAGE_PATHS } from './page-paths.js';

/** Where `npm run build` puts the page; this file is then dist/src/web/serve-page.js. */
const BUILT = fileURLToPath(new URL('../../web/', import.meta.url));

const POLICY = ownFilesPolicy();

/**
 * Serves the page: its files for ever, since their names change with what is in them, and itself anew each time.
 * Only the addresses that the page knows are answered with it, so that any other is not found as ever. Without a built
 * page there is none: under `npm run start:dev` Vite serves it.
 */
export async function servePage(fastify: FastifyInstance, folder = BUILT): Promise<void> {
  const file = join(folder, 'index.html');
  if (!existsSync(file)) return;
  const html = await readFile(file);
  const show = (_request: unknown, reply: FastifyReply) =>
    reply
      .headers({ 'content-security-policy': POLICY, 'cache-control': 'no-cache' })
      .type('text/html; charset=utf-8')
      .send(html);
  for (const path of Object.values(PAGE_PATHS)) fastify.get(path, show);
  await fastify.register(fastifyStatic, {
    root: folder,
    // One route for each file that is there: nothing else is ever looked for on the disk.
    wildcard: false,
    index: false,
    globIgnore: ['index.html', '**/*.br'],
    preCompressed: true,
    decorateReply: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isHashed = path.includes('/assets/');
      void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'public, max-age=3600');
    },
  });
}
