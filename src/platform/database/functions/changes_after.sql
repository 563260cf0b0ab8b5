-- Version 1.
-- A page of the changes of these kinds by their time, after the row of this time and number. By the index whatever the
-- statistics say: after a million new rows they are behind, and the planner would read and sort the whole table for each page.
CREATE OR REPLACE FUNCTION changes_after(
  moment timestamptz, past bigint, kinds text[], quota integer,
  OUT at timestamptz, OUT number bigint, OUT kind text, OUT id uuid, OUT ver integer, OUT roles text[], OUT floor uuid,
  OUT kept uuid, OUT disabled boolean
) RETURNS SETOF record LANGUAGE sql STABLE SET search_path FROM CURRENT SET enable_sort = off AS $$
  SELECT c.at, c.number, c.kind, c.id, c.ver, c.roles, c.floor, c.kept, c.disabled FROM changes AS c
  WHERE (c.at, c.number) > (moment, past) AND c.kind = ANY (kinds) ORDER BY c.at, c.number LIMIT quota;
$$;
