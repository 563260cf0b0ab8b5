import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Prefixes of the server's addresses, proxied while Vite serves the page (scripts/dev.js). */
const API_PREFIXES = ['/v1/', '/docs', '/dev/', '/openapi.json', '/.well-known/', '/health/'];
const server = process.env.GATEHOUSE_API;

/** Compresses every file once, at build time, instead of for each request. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    async writeBundle({ dir = '' }, bundle) {
      for (const name of Object.keys(bundle).filter((file) => file.startsWith('assets/'))) {
        const bytes = await readFile(join(dir, name));
        await writeFile(join(dir, `${name}.br`), brotliCompressSync(bytes));
        // For plain HTTP and for proxies without Brotli.
        await writeFile(join(dir, `${name}.gz`), gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  // Files find each other wherever the page is served; the server writes that into index.html.
  base: './',
  plugins: [react(), precompress()],
  // From its source, so that neither development nor a check needs a build of it first.
  resolve: { alias: { '@gatehouse/client': fileURLToPath(new URL('../client/src/index.ts', import.meta.url)) } },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // The page's content security policy allows data: addresses for images only.
    assetsInlineLimit: 0,
    // It would be an inline script, and every supported browser preloads modules by itself.
    modulePreload: { polyfill: false },
  },
  server: {
    strictPort: true,
    proxy: server ? Object.fromEntries(API_PREFIXES.map((path) => [path, server])) : undefined,
  },
});
