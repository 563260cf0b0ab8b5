import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ownFilesPolicy } from '../platform/http/content-policy.js';
import { escapeHtml } from '../platform/http/html.js';
import { PAGE_PATHS } from './page-paths.js';

/** Where `npm run build` puts the page; this file is then dist/src/web/serve-page.js. */
const BUILT = fileURLToPath(new URL('../../web/', import.meta.url));

/** What `servePage` answers, to anybody. */
export const PAGE_FILES: readonly string[] = [...Object.values(PAGE_PATHS), '/assets/*', '/icon.svg', '/theme.js'];

const POLICY = ownFilesPolicy();

/**
 * Serves the page: files whose names change with what is in them for ever, and everything else anew each time.
 * Only the addresses that the page knows are answered with it, so that any other is not found as ever; a person who went
 * there sees the page say so. `basePath` is where a browser finds the server, without a slash at its end. Without a built page
 * there is none: under `npm run start:dev` Vite serves it.
 */
export async function servePage(fastify: FastifyInstance, basePath: string, folder = BUILT): Promise<void> {
  const file = join(folder, 'index.html');
  if (!existsSync(file)) return;
  // Its own address may be deeper than those of its files, so these cannot be relative to it.
  const html = (await readFile(file, 'utf8')).replaceAll('="./', () => `="${escapeHtml(basePath)}/`);
  const asPage = (reply: FastifyReply) =>
    reply.headers({ 'content-security-policy': POLICY, 'cache-control': 'no-cache' }).type('text/html; charset=utf-8');
  for (const path of Object.values(PAGE_PATHS)) fastify.get(path, (_request, reply) => asPage(reply).send(html));
  fastify.addHook('onSend', async (request, reply, payload) => {
    if (!request.is404 || reply.statusCode !== 404 || !isNavigation(request)) return payload;
    asPage(reply);
    return html;
  });
  await fastify.register(fastifyStatic, {
    root: folder,
    // One route for each file that is there: nothing else is ever looked for on the disk.
    wildcard: false,
    index: false,
    globIgnore: ['index.html', '**/*.{br,gz}'],
    preCompressed: true,
    decorateReply: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isHashed = path.includes('/assets/');
      void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

/** Whether a browser says that a person went to this address: no program that speaks to the API sends this header. */
function isNavigation({ method, headers, url }: FastifyRequest): boolean {
  return method === 'GET' && headers['sec-fetch-dest'] === 'document' && !url.startsWith('/v1/');
}
