-- Version 1.
-- Takes one piece of work from session_sweeps and does a part of it: ends or removes so many sessions at most, of as many
-- users at most, and notes how far it came. Several instances may call it at once: each takes another piece. Returns how
-- many rows it changed, or null where there was nothing to take.
CREATE OR REPLACE FUNCTION sessions_sweep(batch integer) RETURNS integer LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  work    session_sweeps;
  owner   uuid;
  visited integer := 0;
  changed integer := 0;
BEGIN
  SELECT * INTO work FROM session_sweeps ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF work.removes_to IS NOT NULL THEN
    PERFORM set_config('gatehouse.sweeping', 'on', true);
    DELETE FROM sessions WHERE id IN (
      SELECT id FROM sessions WHERE user_id = work.user_id AND id <= work.removes_to ORDER BY id DESC LIMIT batch FOR UPDATE);
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM set_config('gatehouse.sweeping', '', true);
  ELSE
    FOR owner IN
      SELECT work.user_id WHERE work.user_id IS NOT NULL
      UNION ALL
      (SELECT r.user_id FROM user_roles r
       WHERE work.user_id IS NULL AND r.role = work.role AND r.user_id > work.reached ORDER BY r.user_id LIMIT batch)
      UNION ALL
      (SELECT u.id FROM users u
       WHERE work.user_id IS NULL AND work.role IS NULL AND u.id > work.reached ORDER BY u.id LIMIT batch)
    LOOP
      visited := visited + 1;
      changed := changed + end_dead_sessions(owner, batch - changed);
      EXIT WHEN changed >= batch;
      work.reached := owner;
    END LOOP;
  END IF;
  IF changed < batch AND (work.user_id IS NOT NULL OR visited < batch) THEN
    DELETE FROM session_sweeps WHERE number = work.number;
  ELSE
    UPDATE session_sweeps SET reached = work.reached WHERE number = work.number;
  END IF;
  RETURN changed;
END $$;
