import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const MODULES = fileURLToPath(new URL('../node_modules/', import.meta.url));
const DEBIANS = '/usr/bin/chromium';
const { version } = JSON.parse(readFileSync(join(MODULES, '@sparticuz/chromium/package.json'), 'utf8'));
/** Where the Chromium that npm brought along is unpacked; a new node_modules unpacks it anew. */
const CACHE = join(MODULES, '.cache');
const UNPACKED = join(CACHE, `chromium-${version}`);
/** Its own font beside those of the system, which may have none. */
const FONTS = `<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir prefix="relative">fonts</dir>
</fontconfig>
`;

/**
 * How Playwright starts Chromium: that of CHROMIUM_PATH, the system's, or the one that npm brought along with the libraries
 * and the font that a slim system lacks.
 */
export async function chromiumHere() {
  const installed = process.env.CHROMIUM_PATH ?? (existsSync(DEBIANS) ? DEBIANS : undefined);
  if (installed) return { executablePath: installed };
  if (!existsSync(UNPACKED)) await unpack();
  return {
    executablePath: join(UNPACKED, 'chromium'),
    env: {
      ...process.env,
      LD_LIBRARY_PATH: join(UNPACKED, 'al2023/lib'),
      FONTCONFIG_FILE: join(UNPACKED, 'fonts.conf'),
    },
  };
}

/** Unpacks to a name of its own, so that what was interrupted is never taken for whole, and two at once do no harm. */
async function unpack() {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'chromium-'));
  try {
    // A process of its own: the package goes by the environment, and changes that of the process that loads it. Its
    // libraries come out where it takes the system for Amazon's.
    const script = "import('@sparticuz/chromium').then(({ default: chromium }) => chromium.executablePath())";
    const env = { TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' };
    await promisify(execFile)(process.execPath, ['-e', script], { cwd: MODULES, env });
    await writeFile(join(folder, 'fonts.conf'), FONTS);
    await rename(folder, UNPACKED).catch((error) => {
      if (!existsSync(UNPACKED)) throw error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
