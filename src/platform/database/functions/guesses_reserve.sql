-- Version 1.
-- Takes a place for one guess under every rule, or under none. The rules come in the same order from every caller, so that
-- no two callers wait for each other. Answers with the rule (from 0) that says no, if any, and for how long; no time at all
-- means that guesses in flight will decide. The place is known by when it was taken.
CREATE OR REPLACE FUNCTION guesses_reserve(rules jsonb)
RETURNS TABLE (rule integer, wait_ms float8, since float8) LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  r      record;
  g      guesses;
  t      timestamptz;
  lapsed float8;
  room   integer;
BEGIN
  rule := NULL;
  wait_ms := 0;
  FOR r IN SELECT e.value ->> 'key' AS key, (e.value ->> 'free')::integer AS free,
                  (e.value ->> 'open')::boolean AS open, (e.value ->> 'forget')::float8 AS forget, e.ordinality
           FROM jsonb_array_elements(rules) WITH ORDINALITY AS e ORDER BY e.ordinality
  LOOP
    t := clock_timestamp();
    lapsed := 1000 * extract(epoch FROM t - interval '1 minute');
    INSERT INTO guesses AS o (key, expires_at) VALUES (r.key, t + r.forget * interval '1 ms')
      ON CONFLICT (key) DO UPDATE SET
        (wrong, pending) = (
          SELECT CASE WHEN o.expires_at > t THEN o.wrong + count(*) FILTER (WHERE p < lapsed) ELSE 0 END,
                 coalesce(array_agg(p) FILTER (WHERE p >= lapsed), '{}')
          FROM unnest(o.pending) AS p),
        blocked_until = CASE WHEN o.expires_at > t THEN o.blocked_until END,
        expires_at = CASE WHEN o.expires_at > t THEN o.expires_at ELSE excluded.expires_at END
      RETURNING * INTO g;
    t := clock_timestamp();
    room := CASE WHEN g.wrong < r.free THEN r.free - g.wrong
                 WHEN coalesce(g.blocked_until, t) <= t THEN 1 ELSE 0 END;
    CONTINUE WHEN r.open OR cardinality(g.pending) < room;
    IF rule IS NULL OR room = 0 THEN
      rule := r.ordinality - 1;
      wait_ms := CASE WHEN room = 0 THEN 1000 * extract(epoch FROM g.blocked_until - t) ELSE 0 END;
    END IF;
    EXIT WHEN room = 0;
  END LOOP;
  IF rule IS NULL THEN
    since := 1000 * extract(epoch FROM clock_timestamp());
    UPDATE guesses SET pending = pending || since
      WHERE key IN (SELECT value ->> 'key' FROM jsonb_array_elements(rules));
  ELSE
    -- Only what was made above holds nothing: a refusal leaves no row behind.
    DELETE FROM guesses
      WHERE key IN (SELECT value ->> 'key' FROM jsonb_array_elements(rules)) AND wrong = 0 AND pending = '{}';
  END IF;
  RETURN NEXT;
END $$;
