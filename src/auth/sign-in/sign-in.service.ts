import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { userActor } from '../../access/actor.js';
import { Audit } from '../../audit/audit.service.js';
import type { Config } from '../../platform/config/config.js';
import { CONFIG } from '../../platform/config/config.module.js';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/http/problem.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { mailTemplates } from '../../platform/mail/mail-templates.js';
import { knownDevice } from '../../sessions/device.js';
import { Sessions } from '../../sessions/sessions.service.js';
import { Notices } from '../../users/notices.service.js';
import { toUserView, type UserRow } from '../../users/user.js';
import { Users } from '../../users/users.service.js';
import { SecondFactor } from './second-factor.js';
import type { Proof, SignInOutcome } from './sign-in-outcome.js';

type RefusalCode = 'invalid_credentials' | 'account_disabled' | 'email_not_verified';

/** Why a proof opens no session. */
class SignInRefusal extends Problem {
  constructor(override readonly code: RefusalCode) {
    super(code);
  }
}

/**
 * The one exit of every way to sign in, so that none forgets the account's state, the second factor, the audit log or the
 * notice.
 */
@Injectable()
export class SignIn {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly users: Users,
    private readonly sessions: Sessions,
    private readonly secondFactor: SecondFactor,
    private readonly mail: Mail,
    private readonly notices: Notices,
    private readonly audit: Audit,
  ) {}

  /**
   * Opens the session of the proven user, or asks for a second factor. Throws a Problem, which the audit log has too:
   * `account_disabled`, `email_not_verified`; `invalid_credentials` where the proof no longer holds or the user is gone.
   */
  async complete(proof: Proof, context: RequestContext): Promise<SignInOutcome> {
    const { userId } = proof;
    try {
      const mayNotify = await this.mayNotifyOfDevice(userId, context);
      return await this.database.transaction(async (manager) => {
        const user = await this.confirm(proof, manager);
        const challenge = await this.secondFactor.challengeFor(user, proof, manager);
        return challenge ?? this.open(user, proof, mayNotify, context, manager);
      });
    } catch (error) {
      if (error instanceof SignInRefusal) return this.refuse(error.code, userId, context);
      throw error;
    }
  }

  /**
   * As `complete`, for an account that the caller's transaction has just made: that is the event, and no sign-in. What is
   * thrown takes the account back.
   */
  async completeRegistration(proof: Proof, context: RequestContext, manager: EntityManager): Promise<SignInOutcome> {
    const { userId, methods } = proof;
    const user = await this.confirm(proof, manager);
    await this.audit.record({ type: 'auth.registered', actor: userActor(userId, context), userId }, manager);
    const challenge = await this.secondFactor.challengeFor(user, proof, manager);
    if (challenge) return challenge;
    const tokens = await this.sessions.open({ ...user, userId }, methods, context, manager);
    return { kind: 'signed_in', user: toUserView(user), ...tokens };
  }

  /** Writes into the audit log that a sign-in was refused, and throws the Problem. */
  async refuse(code: RefusalCode, userId: string | null, context: RequestContext): Promise<never> {
    await this.audit.record({
      type: 'auth.login_failed',
      actor: { kind: 'anonymous', context },
      userId,
      data: { code },
    });
    throw new Problem(code);
  }

  /** Locks the user's row and returns it, if the account may sign in and the proof is still true. */
  private async confirm(proof: Proof, manager: EntityManager): Promise<UserRow> {
    const user = this.admit(await this.users.lockForSignIn(proof.userId, manager));
    if (!(await proof.stillHolds(manager))) throw new SignInRefusal('invalid_credentials');
    return user;
  }

  /**
   * Asked before the transaction as well as in it, so that the count of mails is not asked for under the lock. Where a notice
   * is due the account is checked first: a sign-in that is refused counts no mail.
   */
  private async mayNotifyOfDevice(userId: string, context: RequestContext): Promise<boolean> {
    if (!(await this.sessions.isNewDevice(userId, context, this.database.manager))) return false;
    this.admit(await this.users.find(userId));
    return this.notices.canNotifyOfDevice(userId);
  }

  private admit(user: UserRow | null): UserRow {
    if (!user) throw new SignInRefusal('invalid_credentials');
    if (user.status === 'disabled') throw new SignInRefusal('account_disabled');
    if (this.config.requiresVerifiedEmail && !user.email_verified_at) throw new SignInRefusal('email_not_verified');
    return user;
  }

  private async open(
    user: UserRow,
    { userId, methods }: Proof,
    mayNotify: boolean,
    context: RequestContext,
    manager: EntityManager,
  ): Promise<SignInOutcome> {
    const isNewDevice = mayNotify && (await this.sessions.isNewDevice(userId, context, manager));
    const lastLoginAt = await this.users.markSignIn(userId, manager);
    const tokens = await this.sessions.open({ ...user, userId }, methods, context, manager);
    const data = { authMethods: methods };
    await this.audit.record({ type: 'auth.login', actor: userActor(userId, context), userId, data }, manager);
    if (isNewDevice) await this.notifyOfDevice(user.email, context, manager);
    return { kind: 'signed_in', user: toUserView({ ...user, last_login_at: lastLoginAt }), ...tokens };
  }

  private notifyOfDevice(email: string, { ip, userAgent }: RequestContext, manager: EntityManager): Promise<void> {
    return this.mail.send(mailTemplates.newDevice(knownDevice(userAgent), { ip, at: new Date() }), email, manager);
  }
}
