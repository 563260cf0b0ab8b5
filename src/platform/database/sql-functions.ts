import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { DataSource } from 'typeorm';
import { quoteName } from './schema.js';
import { liftLimits, settle } from './session-settings.js';

/** A function of the database, in a file of its own that is named after it. */
export interface SqlFunction {
  name: string;
  /** Grows with every change of the file; its first line says it. */
  version: number;
  hash: Buffer;
  /** `CREATE OR REPLACE FUNCTION`, and what else belongs to it, for one schema. */
  text: string;
}

const FOLDER = new URL('./functions/', import.meta.url);

/** What is applied and still there: one that was dropped by hand is as good as never applied. */
const APPLIED = `
  SELECT name, version, hash FROM applied_functions WHERE to_regproc(name) IS NOT NULL`;

/** $1 name, $2 version, $3 hash */
const RECORD = `
  INSERT INTO applied_functions (name, version, hash) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET version = excluded.version, hash = excluded.hash`;

/** Whether the functions of the audit log are ours to make: in the embedded Postgres they belong to another role. */
const OWNS_AUDIT_LOG = `
  SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') AS ours FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = pg_catalog.current_schema() AND c.relname = 'audit_seals'`;

/** The functions of this build, for a schema. Throws an Error for a file whose first line names no version. */
export async function readFunctions(schema: string): Promise<SqlFunction[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(files.map(async (file) => parse(file, await readFile(new URL(file, FOLDER), 'utf8'), schema)));
}

/** Whether a function belongs to the audit log, and with it to the owner of that. */
export const isOfAuditLog = ({ name }: Pick<SqlFunction, 'name'>): boolean => name.startsWith('audit_');

function parse(file: string, content: string, schema: string): SqlFunction {
  const version = Number(/^-- Version (\d+)\.\n/.exec(content)?.[1]);
  if (!version) throw new Error(`The first line of ${file} must be "-- Version 1."`);
  const literal = `'${schema.replaceAll("'", "''")}'`;
  const text = content.replaceAll('{schema}', quoteName(schema)).replaceAll('{schema_literal}', literal);
  return { name: basename(file, '.sql'), version, hash: createHash('sha256').update(text).digest(), text };
}

/**
 * Brings the functions up to date, all or none, after the migrations and under their lock. Returns the names of those that
 * it applied: no others are touched.
 *
 * During an upgrade two versions of the server share the database. So a file may only change in ways that the version before
 * can call too, with the same parameters and the same form of answer; anything else is a function of another name. And a
 * server of the version before that restarts beside the new one leaves the newer function alone, for which a change has to
 * raise the version. The schema is the deployment's to choose: {schema} stands for it in a file, or every function keeps the
 * search_path under which it was made, `path` where that is given. Where the audit log belongs to another role, so do its
 * functions, and they are left alone.
 */
export async function applyFunctions(
  source: DataSource,
  functions: readonly SqlFunction[],
  { path }: { path?: string } = {},
): Promise<string[]> {
  return source.transaction(async (manager) => {
    await settle(manager, { isLocal: true });
    await liftLimits(manager);
    if (path !== undefined) await manager.query(`SET LOCAL search_path = ${path}`);
    const rows = await manager.query<Omit<SqlFunction, 'text'>[]>(APPLIED);
    const applied = new Map(rows.map((row) => [row.name, row]));
    const [log] = await manager.query<{ ours: boolean }[]>(OWNS_AUDIT_LOG);
    const ours = functions.filter((file) => !isOfAuditLog(file) || log?.ours);
    const outdated = ours.filter((file) => isNewer(file, applied.get(file.name)));
    for (const { name, version, hash, text } of outdated) {
      await manager.query(text);
      await manager.query(RECORD, [name, version, hash]);
    }
    return outdated.map(({ name }) => name);
  });
}

/** The same version with another text is the work of a developer who is writing it. */
function isNewer(file: SqlFunction, applied: Omit<SqlFunction, 'text'> | undefined): boolean {
  if (!applied || file.version > applied.version) return true;
  return file.version === applied.version && !file.hash.equals(applied.hash);
}
