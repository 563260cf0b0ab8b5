import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, actorIdOf } from '../access/actor.js';
import { MOST_ROLES } from '../access/permissions.js';
import { Audit, type AuditType } from '../audit/audit.service.js';
import { EmailChange } from '../auth/email-change/email-change.service.js';
import { VerificationMailer } from '../auth/email-verification/verification-mailer.service.js';
import { Invitations } from '../auth/invitations/invitations.service.js';
import { OneTimeTokens } from '../auth/one-time-tokens/one-time-tokens.service.js';
import { PasswordHasher } from '../credentials/passwords/password-hasher.js';
import { type PasswordContext, PasswordPolicy } from '../credentials/passwords/password-policy.js';
import { isId } from '../platform/common/id.js';
import { Database } from '../platform/database/database.js';
import { Problem } from '../platform/http/problem.js';
import { Mail } from '../platform/mail/mail.service.js';
import { Revocations } from '../revocation/revocations.service.js';
import { assertMayGrant } from '../roles/assert-may-grant.js';
import { Sessions } from '../sessions/sessions.service.js';
import { emailKeyOf } from '../users/email.js';
import type { UserForm, UserRow } from '../users/user.js';
import { type Names, Users } from '../users/users.service.js';

/** What an admin may change of a user. */
export interface UserChange extends Names {
  email?: string;
  status?: 'active' | 'disabled';
}

interface PlannedChange {
  actor: Actor;
  /** The user who is changed; absent where there is none yet. */
  userId?: string;
  /** Whether it may change what the user, or anybody who counts on them, may do. */
  rights?: boolean;
  /** Roles that are given. */
  scope?: { roles: string[] };
}

/**
 * What one user may do to another. A change of rights locks the actor too: of two who remove each other, the second is gone
 * when the turn comes. What may leave no admin waits for one lock (`LOCK_RIGHTS`).
 */
@Injectable()
export class UserAdministration {
  constructor(
    private readonly database: Database,
    private readonly users: Users,
    private readonly sessions: Sessions,
    private readonly hasher: PasswordHasher,
    private readonly policy: PasswordPolicy,
    private readonly emailChange: EmailChange,
    private readonly mailer: VerificationMailer,
    private readonly invitations: Invitations,
    private readonly tokens: OneTimeTokens,
    private readonly mail: Mail,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
  ) {}

  /** Adds a user. Throws a Problem: `email_taken`, `username_taken`, `forbidden`, a refused password, an unknown role, `mail_unavailable`. */
  async create(form: UserForm, actor: Actor): Promise<UserRow> {
    const passwordHash = form.password === undefined ? null : await this.hash(form.password, form);
    const roles = [...new Set(form.roles)];
    return this.change({ actor, scope: { roles } }, async (manager) => {
      await this.emailChange.releaseUnverifiedEmail(emailKeyOf(form.email), null, actor, manager);
      const user = await this.users.create({ ...form, roles, passwordHash }, manager);
      await this.record('user.created', user.id, actor, manager, { roles });
      if (passwordHash === null) await this.invitations.invite(user.id, actor, manager);
      else await this.mailer.resend(user.id, actor, manager);
      return user;
    });
  }

  /** Changes the fields that are given, all or none. Throws a Problem: `last_admin`, `forbidden`, `not_found`, a taken name. */
  async update(id: string, change: UserChange, actor: Actor): Promise<UserRow> {
    const { email, status, ...profile } = change;
    // An admin whose address has to be confirmed anew cannot sign in until then, where confirmation is required.
    const rights = status !== undefined || email !== undefined;
    return this.change({ actor, userId: id, rights }, async (manager) => {
      await this.users.clearUnverifiedRegistration(id, manager);
      if (Object.keys(profile).length > 0) await this.setProfile(id, profile, actor, manager);
      const moved = email === undefined ? null : await this.emailChange.setEmailByAdmin(id, email, actor, manager);
      if (moved !== null) await this.record('user.email_changed', id, actor, manager);
      const statusChanged = status !== undefined && (await this.setStatus(id, status, actor, manager));
      // Once, in the end: an address that is left would get a dead link.
      if (moved || statusChanged) await this.mailer.resend(id, actor, manager);
      return this.users.read(id, manager);
    });
  }

  /** Gives the user exactly these roles. Their tokens are stale from the next request on. Throws as `update` does. */
  async setRoles(id: string, roles: string[], actor: Actor): Promise<UserRow> {
    return this.change({ actor, userId: id, rights: true, scope: { roles } }, (manager) =>
      this.replaceRoles(id, () => roles, actor, manager),
    );
  }

  /** Gives the user these roles beside those they hold at this moment. Throws as `update` does. */
  async grantRoles(id: string, roles: string[], actor: Actor): Promise<UserRow> {
    return this.change({ actor, userId: id, rights: true, scope: { roles } }, (manager) =>
      this.replaceRoles(id, (held) => [...held, ...roles], actor, manager),
    );
  }

  /** Removes the user and everything of theirs but the audit log. Throws as `update` does. */
  async remove(id: string, actor: Actor): Promise<void> {
    await this.change({ actor, userId: id, rights: true }, async (manager) => {
      const { email } = await this.users.read(id, manager);
      await this.sessions.endAllWithin(id, null, manager);
      await this.users.delete(id, manager);
      await this.mail.withdraw(email, manager);
      await this.record('user.deleted', id, actor, manager);
    });
  }

  /** Ends all sessions of the user and returns how many there were. Throws a Problem: `forbidden`, `not_found`. */
  async endSessions(id: string, actor: Actor): Promise<number> {
    return this.change({ actor, userId: id }, (manager) =>
      this.sessions.endAllOnRecord(id, null, { type: 'session.revoked', actor }, manager),
    );
  }

  /**
   * Runs a change with its rules: the locks, that the user exists, the actor's rights before and, where the change may take
   * rights away, an admin left after.
   */
  private change<T>(
    { actor, userId, rights = false, scope }: PlannedChange,
    work: (manager: EntityManager) => Promise<T>,
  ): Promise<T> {
    if (userId !== undefined && !isId(userId)) throw new Problem('not_found');
    return this.database.transaction(async (manager) => {
      const guarded = rights && userId !== undefined && (await this.users.lockWherePossiblyAdmin(userId, manager));
      const found = userId === undefined || (await this.lock(userId, rights ? actorIdOf(actor) : null, manager));
      if (!found) throw new Problem('not_found');
      // Before the rights are read: a role that somebody makes between the two would be given without being judged.
      const unknownRole = await this.users.lockRoles(scope?.roles ?? [], manager);
      await assertMayGrant(actor, { permissions: ['users:write'], ...scope, userId }, manager);
      if (unknownRole !== undefined) throw Problem.field('/roles', `There is no role ${unknownRole}.`);
      if (!guarded && !(rights && userId !== undefined && (await this.users.lockWherePossiblyAdmin(userId, manager))))
        return work(manager);
      const had = await this.users.hasAdmin(manager);
      const result = await work(manager);
      if (had && !(await this.users.hasAdmin(manager))) throw new Problem('last_admin');
      return result;
    });
  }

  /** Locks the user, and of who changes their rights what the right to do so comes from. Returns whether there is the user. */
  private async lock(userId: string, actorId: string | null, manager: EntityManager): Promise<boolean> {
    if (actorId === null) return this.users.lock(userId, manager);
    // In one order: of two who change each other the second waits, and then has lost what the first took.
    const actorFirst = actorId < userId;
    if (actorFirst) await this.users.lockActor(actorId, manager);
    const found = await this.users.lock(userId, manager);
    if (!actorFirst) await this.users.lockActor(actorId, manager);
    if (found) await this.users.lockRolesOf(actorId, manager);
    return found;
  }

  private async replaceRoles(
    id: string,
    wanted: (held: string[]) => string[],
    actor: Actor,
    manager: EntityManager,
  ): Promise<UserRow> {
    const before = await this.users.read(id, manager);
    const roles = [...new Set(wanted(before.roles))].sort();
    await this.users.clearUnverifiedRegistration(id, manager);
    const known = this.revocations.versionOf(id);
    const isSetBack = before.tokenVersion < known;
    const isSame = before.roles.join() === roles.join();
    if (isSame && !isSetBack) return before;
    if (!isSame && roles.length > MOST_ROLES) {
      const detail = `A user may hold ${MOST_ROLES} roles at most: with these it would be ${roles.length}.`;
      throw Problem.field('/roles', detail);
    }
    if (!isSame) {
      await this.users.setRoles(id, roles, manager);
      await this.record('user.roles_changed', id, actor, manager, { roles, before: before.roles });
    }
    // A failover lost that version, and tokens are about that name its roles: none of them outlives this decision.
    if (isSetBack) await this.users.raiseVersion(id, known + 1, manager);
    await this.revocations.takeWithin(manager);
    return this.users.read(id, manager);
  }

  private async hash(password: string, context: PasswordContext): Promise<string> {
    this.policy.assertAcceptable(password, context);
    return this.hasher.hash(password);
  }

  private async setProfile(id: string, names: Names, actor: Actor, manager: EntityManager): Promise<void> {
    await this.users.setNames(id, names, manager);
    const fields = Object.entries({ name: names.name, username: names.username }).flatMap(([field, value]) =>
      value === undefined ? [] : field,
    );
    await this.record('user.updated', id, actor, manager, { fields });
  }

  /** Disabling ends every session and voids every link but the undo links of former addresses. Returns whether the status changed. */
  private async setStatus(
    id: string,
    status: 'active' | 'disabled',
    actor: Actor,
    manager: EntityManager,
  ): Promise<boolean> {
    if (status === 'disabled') await this.tokens.voidAll(id, manager);
    if (!(await this.users.setStatus(id, status, manager))) return false;
    await this.sessions.takeEndsWithin(manager);
    await this.record(status === 'disabled' ? 'user.disabled' : 'user.enabled', id, actor, manager);
    return true;
  }

  private record(
    type: AuditType,
    userId: string,
    actor: Actor,
    manager: EntityManager,
    data?: Record<string, unknown>,
  ): Promise<void> {
    return this.audit.record({ type, actor, userId, data }, manager);
  }
}
