import type { TestDatabase } from './database.js';
import type { Api } from './gatehouse.js';
import { freshEmail, type SignedUp, signIn, signUp } from './users.js';

/** Somebody signed in with exactly these roles, given by SQL as an operator would. */
export async function withRoles(gatehouse: Api, database: TestDatabase, ...roles: string[]): Promise<SignedUp> {
  const { user } = await signUp(gatehouse, { email: freshEmail() });
  await database.query('DELETE FROM user_roles WHERE user_id = $1 AND role <> ALL ($2)', [user.id, roles]);
  await database.query('INSERT INTO user_roles SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING', [user.id, roles]);
  return signIn(gatehouse, user.email);
}

/** Makes a role with these permissions, by SQL. */
export async function makeRole(database: TestDatabase, name: string, ...permissions: string[]): Promise<void> {
  await database.query('INSERT INTO roles (name, permissions) VALUES ($1, $2)', [name, permissions]);
}
