import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { INestApplicationContext } from '@nestjs/common';
import { UserAdministration } from '../admin/user-administration.service.js';
import { UserDirectory, type UserFilter } from '../admin/user-directory.service.js';
import { isId } from '../platform/common/id.js';
import { trimBlanks } from '../platform/common/trim-blanks.js';
import { toProblem } from '../platform/http/schema.pipe.js';
import { toUserView, type UserRow, type UserView, userForm } from '../users/user.js';
import { Users } from '../users/users.service.js';
import { operator, withApp } from './context.js';
import { CommandError, print, sayAbsent, table } from './output.js';

interface CreateOptions {
  username?: string;
  name?: string;
  role?: string[];
  passwordStdin?: boolean;
  generatePassword?: boolean;
  json?: boolean;
}

export async function createUser(email: string, options: CreateOptions): Promise<void> {
  const { username, name, role: roles, json } = options;
  const generated = options.generatePassword ? randomBytes(15).toString('base64url') : undefined;
  const typed = options.passwordStdin ? (await text(process.stdin)).replace(/\r?\n$/, '') : undefined;
  const password = generated ?? typed;
  const form = userForm.safeParse({ email, username, name, roles, password });
  if (!form.success) throw toProblem(form.error.issues);
  const user = await withApp(async (app) =>
    toUserView(await app.get(UserAdministration).create(form.data, operator())),
  );
  print(json, generated ? { ...user, password: generated } : user, [
    `Made ${user.email} (${user.id}) with ${user.roles.join(', ') || 'no role'}.`,
    ...(generated ? [`Password, shown this once: ${generated}`] : []),
    ...(password === undefined ? ['It has no password yet: its owner is invited to choose one.'] : []),
  ]);
}

export async function listUsers({
  limit,
  json,
  ...filter
}: UserFilter & { limit: number; json?: boolean }): Promise<void> {
  const users = await withApp(async (app) => {
    const found: UserRow[] = [];
    let cursor: string | undefined;
    do {
      const page = await app.get(UserDirectory).list(filter, Math.min(100, limit - found.length), cursor);
      found.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && found.length < limit);
    return found.map(toUserView);
  });
  print(json, users, users.length === 0 ? ['Nobody.'] : table(users.map(toTableRow)));
}

export async function grantRoles(name: string, roles: string[], { json }: { json?: boolean }): Promise<void> {
  const user = await withApp(async (app) => {
    const { id } = await findUser(app, name);
    return toUserView(await app.get(UserAdministration).grantRoles(id, roles.map(trimBlanks), operator()));
  });
  print(json, user, [`${user.email} has ${user.roles.join(', ')}.`]);
}

/** The user of this email, username or id. Throws a CommandError where there is none. */
export async function findUser(app: INestApplicationContext, typed: string): Promise<UserRow> {
  const name = trimBlanks(typed);
  const users = app.get(Users);
  if (isId(name)) return users.get(name).catch(sayAbsent(`There is no user ${name}.`));
  const found = await users.findCredentials(name.includes('@') ? { email: name } : { username: name });
  if (!found) throw new CommandError(`There is no user ${name}.`);
  return users.get(found.id);
}

function toTableRow({ id, email, username, roles, status, lastLoginAt }: UserView): Record<string, string> {
  const lastLogin = lastLoginAt?.slice(0, 16).replace('T', ' ') ?? '-';
  return { id, email, username: username ?? '-', roles: roles.join(','), status, 'last login': lastLogin };
}
