-- Version 1.
-- Gives the places back and, as the outcome says, counts a wrong guess or starts anew after a right one. A guess whose place
-- is gone took more than a minute and has counted as wrong already.
CREATE OR REPLACE FUNCTION guesses_settle(rules jsonb, since float8, outcome text)
RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  r     record;
  g     guesses;
  t     timestamptz;
  place integer;
BEGIN
  FOR r IN SELECT e.value ->> 'key' AS key, (e.value ->> 'free')::integer AS free,
                  (e.value ->> 'first')::float8 AS first, (e.value ->> 'most')::float8 AS most,
                  (e.value ->> 'forget')::float8 AS forget, (e.value ->> 'consecutive')::boolean AS consecutive
           FROM jsonb_array_elements(rules) WITH ORDINALITY AS e ORDER BY e.ordinality
  LOOP
    SELECT * INTO g FROM guesses WHERE key = r.key FOR UPDATE;
    CONTINUE WHEN NOT FOUND;
    t := clock_timestamp();
    place := array_position(g.pending, since);
    IF place IS NOT NULL THEN
      g.pending := g.pending[:place - 1] || g.pending[place + 1:];
    END IF;
    IF outcome = 'wrong' AND place IS NOT NULL THEN
      g.wrong := g.wrong + 1;
      IF r.consecutive THEN
        g.expires_at := t + r.forget * interval '1 ms';
      END IF;
      IF g.wrong >= r.free THEN
        g.blocked_until :=
          least(t + least(r.first * 2 ^ least(g.wrong - r.free, 40), r.most) * interval '1 ms', g.expires_at);
      END IF;
    ELSIF outcome = 'right' AND r.consecutive THEN
      g.wrong := 0;
      g.blocked_until := NULL;
    END IF;
    IF g.wrong = 0 AND g.pending = '{}' THEN
      DELETE FROM guesses WHERE key = r.key;
    ELSE
      UPDATE guesses
        SET (wrong, pending, blocked_until, expires_at) = (g.wrong, g.pending, g.blocked_until, g.expires_at)
        WHERE key = r.key;
    END IF;
  END LOOP;
END $$;
