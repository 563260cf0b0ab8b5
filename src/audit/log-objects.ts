import { AUDIT_ROLE } from '../platform/database/schema.js';

/** The role of the server, as the data folder was made with it. */
const APP_ROLE = 'gatehouse';

/** The tables of the log, without audit_chain. */
export const AUDIT_TABLES = ['audit_events', 'audit_seals', 'audit_unsealed'];

/** audit_chain as the migrations leave it; test/attacks/planted-in-embedded-postgres.spec.ts compares the two. */
export const CHAIN = `
  CREATE TABLE {schema}.audit_chain (
    place   pg_catalog.text CONSTRAINT audit_chain_pk PRIMARY KEY
      CONSTRAINT audit_chain_place_known CHECK (place IN ('head', 'anchor', 'accepted')),
    number  pg_catalog.int8  NOT NULL,
    seal    pg_catalog.bytea NOT NULL,
    mac     pg_catalog.bytea NOT NULL,
    release pg_catalog.bytea CONSTRAINT audit_chain_release_length CHECK (pg_catalog.octet_length(release) = 32)
  );
  COMMENT ON COLUMN {schema}.audit_chain.release IS 'At the head: SHA-256 of what the next seal has to show, which is what releases the last one'`;

/**
 * The triggers of the log. The last keeps the chain to its functions and still lets a server of the version before start, which
 * begins a chain by an INSERT that finds nothing to do.
 */
export const TRIGGERS = `
  CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.audit_events_refuse();
  CREATE TRIGGER audit_events_await_seal AFTER INSERT ON {schema}.audit_events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION {schema}.audit_events_await_seal();
  CREATE TRIGGER audit_events_tally AFTER INSERT ON {schema}.audit_events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION {schema}.audit_events_tally();
  CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.audit_seals
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.audit_events_refuse();
  CREATE TRIGGER audit_chain_by_function BEFORE INSERT ON {schema}.audit_chain
    FOR EACH ROW WHEN (CURRENT_USER <> '${AUDIT_ROLE}') EXECUTE FUNCTION {schema}.audit_events_refuse()`;

/** As the migrations of the server bound an entry, where the log is not theirs. What is there already is left as it is. */
export const BOUND = `
  ALTER TABLE {schema}.audit_events DROP CONSTRAINT IF EXISTS audit_events_data_bounded,
    ADD CONSTRAINT audit_events_data_bounded
      CHECK (pg_catalog.octet_length(data::pg_catalog.text) <= 32768) NOT VALID,
    DROP CONSTRAINT IF EXISTS audit_events_texts_bounded,
    ADD CONSTRAINT audit_events_texts_bounded
      CHECK (pg_catalog.octet_length(type) <= 128 AND pg_catalog.octet_length(user_agent) <= 4096
        AND pg_catalog.octet_length(request_id) <= 1024) NOT VALID`;

/** What the role of the server may do with the log, beside calling its functions. */
export const GRANTS = `
  GRANT SELECT ON {schema}.audit_events, {schema}.audit_seals, {schema}.audit_unsealed, {schema}.audit_chain TO ${APP_ROLE};
  GRANT INSERT ON {schema}.audit_events, {schema}.audit_chain TO ${APP_ROLE}`;

/** For the last of these: statements that a person types as the superuser find the tables. */
export const GIVE_SCHEMA = `
  ALTER SCHEMA {schema} OWNER TO ${AUDIT_ROLE};
  GRANT CREATE, USAGE ON SCHEMA {schema} TO ${APP_ROLE};
  ALTER ROLE CURRENT_USER IN DATABASE {database} SET search_path = {schema}, public`;
