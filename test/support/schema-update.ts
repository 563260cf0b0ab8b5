import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('./update-schema.js', import.meta.url));

/**
 * Brings the schema of a database up to date as a server does, and returns what it warns of. In a process of its own: TypeORM
 * imports the migrations by itself, and in Jest that import belongs to the first file of the worker that made one.
 */
export async function updateSchema(databaseUrl: string, superuserUrl?: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    PROGRAM,
    JSON.stringify({ databaseUrl, superuserUrl }),
  ]);
  return JSON.parse(stdout);
}
