import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Audit } from '../../audit/audit.service.js';
import { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import type { Config } from '../../platform/config/config.js';
import { CONFIG } from '../../platform/config/config.module.js';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/http/problem.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { mailTemplates } from '../../platform/mail/mail-templates.js';
import { LoginThrottle } from '../../platform/rate-limiting/login-throttle.service.js';
import { knownDevice } from '../../sessions/device.js';
import type { Tokens } from '../../sessions/session.js';
import { Sessions } from '../../sessions/sessions.service.js';
import { Notices } from '../../users/notices.service.js';
import { toUserView, type UserView } from '../../users/user.js';
import { type Credentials, type Identifier, nameKey, Users } from '../../users/users.service.js';

/** How often a sign-in is judged anew where the account changes under it. */
const ATTEMPTS = 3;

/** What a client gets that is signed in. */
export type SignedIn = { user: UserView } & Tokens;

/** Signing in: every method ends in `complete`, so that none forgets the account's state, the audit log or the tokens. */
@Injectable()
export class SignIn {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly users: Users,
    private readonly sessions: Sessions,
    private readonly hasher: PasswordHasher,
    private readonly mail: Mail,
    private readonly notices: Notices,
    private readonly audit: Audit,
    private readonly guesses: LoginThrottle,
  ) {}

  /**
   * Signs in with a password. Throws a Problem: `invalid_credentials` for any wrong pair, `account_disabled`,
   * `email_not_verified`, `rate_limited`, `overloaded`.
   */
  async withPassword(identifier: Identifier, password: string, context: RequestContext): Promise<SignedIn> {
    this.hasher.assertCapacity(context.ip);
    // Before the database is asked whose name it is: a flood of refused guesses ends here.
    this.guesses.assertNotBlocked(context, nameKey(identifier));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await this.users.findCredentials(identifier);
      // A name that nobody has costs the same hash, so that the time does not tell who has an account here.
      const matches = await this.guesses.check(
        { accountId: found?.id ?? null, name: nameKey(identifier) },
        context,
        () => this.hasher.verify(password, found?.passwordHash ?? null, context.ip),
      );
      if (!found || !matches) return this.fail('invalid_credentials', found, context);
      if (found.status === 'disabled') return this.fail('account_disabled', found, context);
      if (!found.emailVerified && this.config.requiresVerifiedEmail)
        return this.fail('email_not_verified', found, context);
      const newHash = await this.fresherHash(password, found, context);
      const signedIn = await this.complete(found, newHash, ['password'], context);
      if (signedIn) return signedIn;
    }
    throw new Problem('overloaded');
  }

  /**
   * Opens the session of somebody who has proved who they are. Returns null where the account or its password hash has
   * changed since they were read: by an administrator, or by another sign-in that replaced a hash of an older cost.
   */
  async complete(
    { id, passwordHash }: Pick<Credentials, 'id' | 'passwordHash'>,
    newHash: string | null,
    authMethods: string[],
    context: RequestContext,
  ): Promise<SignedIn | null> {
    // Asked here as well as under the lock, so that the count of mails is not asked for while it is held.
    const { manager } = this.database;
    const mayTell =
      (await this.sessions.isNewDevice(id, context, manager)) && (await this.notices.canNotifyOfDevice(id));
    return this.database.transaction(async (manager) => {
      const user = await this.users.claimForSignIn(id, passwordHash, newHash, manager);
      if (!user) return null;
      const isNewDevice = mayTell && (await this.sessions.isNewDevice(id, context, manager));
      const tokens = await this.sessions.open({ ...user, userId: id }, authMethods, context, manager);
      await this.audit.record({ type: 'auth.login', actorId: id, userId: id, context, data: { authMethods } }, manager);
      if (isNewDevice) await this.tellOfNewDevice(user.email, context, manager);
      return { user: toUserView(user), ...tokens };
    });
  }

  private async fail(
    code: 'invalid_credentials' | 'account_disabled' | 'email_not_verified',
    found: Credentials | null,
    context: RequestContext,
  ): Promise<never> {
    await this.audit.record({
      type: 'auth.login_failed',
      actorId: null,
      userId: found?.id ?? null,
      context,
      data: { code },
    });
    throw new Problem(code);
  }

  private tellOfNewDevice(email: string, { ip, userAgent }: RequestContext, manager: EntityManager): Promise<void> {
    return this.mail.send(mailTemplates.newDevice(knownDevice(userAgent), { ip, at: new Date() }), email, manager);
  }

  /** A hash to take the place of one of another cost than ours. A queue that is full does not stop a sign-in. */
  private async fresherHash(
    password: string,
    { passwordHash }: Credentials,
    { ip }: RequestContext,
  ): Promise<string | null> {
    if (passwordHash === null || !this.hasher.needsRehash(passwordHash, password)) return null;
    return this.hasher.hash(password, ip).catch(() => null);
  }
}
