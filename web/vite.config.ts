import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** How addresses begin that are the server's while the page is served by Vite, as scripts/dev.js starts it. */
const API = ['/v1/', '/docs', '/dev/', '/openapi.json', '/.well-known/', '/health/'];
const server = process.env.GATEHOUSE_API;

/** Packs every file once, while it is built, and not for each request. */
function packed(): Plugin {
  return {
    name: 'packed',
    apply: 'build',
    async writeBundle({ dir = '' }, bundle) {
      for (const name of Object.keys(bundle).filter((file) => file.startsWith('assets/'))) {
        const bytes = await readFile(join(dir, name));
        await writeFile(join(dir, `${name}.br`), brotliCompressSync(bytes));
        // For plain http and for proxies that know no Brotli.
        await writeFile(join(dir, `${name}.gz`), gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), packed()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // Everything from files: the policy of the page allows no data: addresses but for images.
    assetsInlineLimit: 0,
    // An inline script; every browser that the page supports preloads modules by itself.
    modulePreload: { polyfill: false },
  },
  server: {
    strictPort: true,
    proxy: server ? Object.fromEntries(API.map((path) => [path, server])) : undefined,
  },
});
