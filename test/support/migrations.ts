import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MigrationInterface } from 'typeorm';

export type MigrationClass = new () => MigrationInterface;

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
