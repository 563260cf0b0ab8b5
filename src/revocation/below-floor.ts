/**
 * Whether a session `s` of the user `u` ended because it was opened before a moment: that of its user (where one session may
 * have been kept), of a role that the user holds, or held when it was removed, or of everybody. `RevocationList` has the same
 * rule in memory, and the function `end_dead_sessions` brings the rows into line with it.
 */
export const BELOW_FLOOR = `(
    (s.id < u.sessions_floor AND s.id IS DISTINCT FROM u.sessions_kept)
    OR EXISTS (SELECT FROM epochs e WHERE s.id < e.floor AND (e.role IS NULL OR EXISTS (
      SELECT FROM user_roles h WHERE h.user_id = u.id AND h.role = e.role)))
    OR EXISTS (SELECT FROM role_removals r JOIN user_roles h ON h.role = r.role AND h.number <= r.number
      WHERE h.user_id = u.id AND s.id < r.floor))`;
