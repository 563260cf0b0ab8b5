/** What the superuser did to a database of the embedded Postgres in the version before, with the tables in `public`. */
export const FORMER_OWNER = `
  DO $$
  DECLARE
    app text := 'gatehouse';
  BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gatehouse_audit')
      OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
      RETURN;
    END IF;
    ALTER SCHEMA public OWNER TO gatehouse_audit;
    ALTER TABLE audit_events OWNER TO gatehouse_audit;
    ALTER TABLE audit_seals OWNER TO gatehouse_audit;
    ALTER TABLE audit_unsealed OWNER TO gatehouse_audit;
    ALTER FUNCTION audit_events_refuse OWNER TO gatehouse_audit;
    ALTER FUNCTION audit_events_tally OWNER TO gatehouse_audit;
    ALTER FUNCTION audit_events_await_seal OWNER TO gatehouse_audit;
    ALTER FUNCTION audit_events_await_seal SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp;
    ALTER FUNCTION audit_seal OWNER TO gatehouse_audit;
    ALTER FUNCTION audit_seal SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp;
    ALTER FUNCTION audit_cut OWNER TO gatehouse_audit;
    ALTER FUNCTION audit_cut SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp;
    EXECUTE format('GRANT CREATE, USAGE ON SCHEMA public TO %I', app);
    EXECUTE format('GRANT SELECT ON audit_events, audit_seals, audit_unsealed TO %I', app);
    EXECUTE format('GRANT INSERT ON audit_events TO %I', app);
    ALTER FUNCTION actor_kind OWNER TO gatehouse_audit;
  END $$;
`;
