import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MigrationInterface } from 'typeorm';

export type MigrationClass = new () => MigrationInterface;

/** As the server migrates: on the Postgres that it set up itself a superuser does, in the name of the application's role. */
export function migrationUrl(url: string): string {
  const own = new URL(url);
  if (own.username !== 'gatehouse') return url;
  own.username = 'postgres';
  own.search = '?options=-c%20role%3Dgatehouse';
  return own.href;
}

/** By their time stamps, as TypeORM orders them. */
export async function loadMigrations(): Promise<MigrationClass[]> {
  const folder = fileURLToPath(new URL('../../migrations/', import.meta.url));
  const modules = await Promise.all(
    readdirSync(folder)
      .filter((file) => file.endsWith('.ts'))
      .sort()
      .map(
        (file) => import(`../../migrations/${file.replace(/ts$/, 'js')}`) as Promise<Record<string, MigrationClass>>,
      ),
  );
  return modules.flatMap((module) => Object.values(module)).sort((a, b) => timeOf(a) - timeOf(b));
}
/** The time stamp of a migration. */
export const timeOf = ({ name }: MigrationClass) => Number(/\d{13}$/.exec(name)?.[0]);
