import type { DataSource } from 'typeorm';
import { searchPath } from './schema.js';
import { liftLimits, settle } from './session-settings.js';

/**
 * Functions of ours that look names up where their caller does, or where an older version let them. What was bound when it was
 * made (BEGIN ATOMIC, RETURN) looks nothing up; what keeps to pg_catalog and qualifies the rest is safe wherever it is.
 * $1 schema
 */
const OPEN = `
  SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text AS signature FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_roles o ON o.oid = p.proowner
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  WHERE n.nspname = $1::pg_catalog.text::pg_catalog.name AND o.rolname = CURRENT_USER AND p.prosqlbody IS NULL
    AND (l.lanname = 'plpgsql' OR l.lanname = 'sql')
    AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS s (setting)
      WHERE s.setting = 'search_path='::pg_catalog.text || pg_catalog.quote_ident($1::pg_catalog.text) || ', pg_temp'::pg_catalog.text
        OR s.setting = 'search_path=pg_catalog, pg_temp'::pg_catalog.text)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
      WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e')
  ORDER BY 1`;

/** The signature comes quoted from the catalog, the path from `searchPath`. */
const CLOSE = 'ALTER FUNCTION {function} SET search_path = {path}';

/**
 * Lets every function of ours look names up in our schema alone, whichever session calls it: triggers run in the
 * statements of people too. Under the lock of the migrations. Returns the functions it has changed.
 */
export async function closeSearchPaths(source: DataSource, schema: string): Promise<string[]> {
  return source.transaction(async (manager) => {
    await settle(manager, { isLocal: true });
    await liftLimits(manager);
    // Nothing is on it but pg_catalog, so that every function is named with its schema.
    await manager.query('SET LOCAL search_path = pg_catalog, pg_temp');
    const open = await manager.query<{ signature: string }[]>(OPEN, [schema]);
    for (const { signature } of open) {
      await manager.query(CLOSE.replace('{function}', () => signature).replace('{path}', () => searchPath(schema)));
    }
    return open.map(({ signature }) => signature);
  });
}
