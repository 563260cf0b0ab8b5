import { createServer } from 'node:http';
import pg from 'pg';

/** node:http and one named prepared statement: what reading an own row costs at the least. */
const { DATABASE_URL, USER_ID } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
const text = `SELECT u.id, u.username, u.email, u.email_verified_at, u.name, u.ver, u.status, u.created_at, u.updated_at,
  u.last_login_at, ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role) AS roles
  FROM users u WHERE u.id = $1`;
const server = createServer(async (_request, response) => {
  const { rows } = await pool.query({ name: 'own-row', text, values: [USER_ID] });
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(rows[0]));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`serves on http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
});
process.on('SIGTERM', () => process.exit(0));
