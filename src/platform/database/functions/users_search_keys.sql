-- Version 2.
-- A long pattern has many trigrams, and comparing all their lists costs more than the few rarest save. So a search asks the
-- index for three pieces of the text, those that the fewest of some users taken at random have together.
CREATE OR REPLACE FUNCTION users_search_keys(wanted text) RETURNS text[] LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  form   text;
  pieces text[];
  people text[];
  among  text[];
  piece  text;
  keys   text[] := '{}';
BEGIN
  -- What is a letter to the index depends on the locale of the database: x is one, a blank is none.
  EXECUTE format($form$
    SELECT string_agg(CASE WHEN %I.show_trgm(substr($1, n, 1)) = '{}' THEN ' ' ELSE 'x' END, '' ORDER BY n)
    FROM generate_series(1, length($1)) AS n $form$,
    (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm')
  ) INTO form USING wanted;
  -- From any other piece the index can tell nothing, and would read all that it has.
  pieces := ARRAY(SELECT DISTINCT substr(wanted, n, 3) FROM generate_series(1, greatest(1, length(wanted) - 2)) AS n
                  WHERE substr(form, n, 3) ~ '^(xxx|xx | xx| x ?)$');
  -- To the index one sign is like another.
  people := ARRAY(
    SELECT regexp_replace(near.search_text, '[^[:alnum:]]', ' ', 'g') || ' '
    FROM (
      SELECT (random() * last)::bigint AS place FROM (SELECT max(number) AS last FROM users) AS x, generate_series(1, 100)
    ) AS places, LATERAL (SELECT search_text FROM users WHERE number >= place ORDER BY number LIMIT 1) AS near);
  among := people;
  FOR round IN 1 .. 3 LOOP
    SELECT p INTO piece FROM unnest(pieces) AS p, regexp_replace(p, '[^[:alnum:]]', ' ') AS seen
      ORDER BY (SELECT count(*) FROM unnest(among) AS t WHERE strpos(t, seen) > 0),
        (SELECT count(*) FROM unnest(people) AS t WHERE strpos(t, seen) > 0) LIMIT 1;
    EXIT WHEN NOT FOUND;
    keys := keys || ('%' || regexp_replace(piece, '([\\%_])', '\\\1', 'g') || '%');
    pieces := array_remove(pieces, piece);
    among := ARRAY(SELECT t FROM unnest(among) AS t WHERE strpos(t, regexp_replace(piece, '[^[:alnum:]]', ' ')) > 0);
  END LOOP;
  RETURN keys;
END $$;

COMMENT ON FUNCTION users_search_keys(text) IS 'LIKE patterns by which the index finds every user with this text; none where it cannot';
