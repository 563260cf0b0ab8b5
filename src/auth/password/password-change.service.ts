import { Inject, Injectable } from '@nestjs/common';
import { userActor } from '../../access/actor.js';
import type { SessionPrincipal } from '../../access/principal.js';
import { Audit } from '../../audit/audit.service.js';
import { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import { PasswordPolicy } from '../../credentials/passwords/password-policy.js';
import type { Config } from '../../platform/config/config.js';
import { CONFIG } from '../../platform/config/config.module.js';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/http/problem.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { mailTemplates } from '../../platform/mail/mail-templates.js';
import type { Tokens } from '../../sessions/session.js';
import { Sessions } from '../../sessions/sessions.service.js';
import { Accounts } from '../../users/accounts.service.js';
import { Notices } from '../../users/notices.service.js';
import { Users } from '../../users/users.service.js';
import { Reauthentication } from '../elevation/reauthentication.service.js';
import { OneTimeTokens } from '../one-time-tokens/one-time-tokens.service.js';

/** Choosing another password while signed in. */
@Injectable()
export class PasswordChange {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly users: Users,
    private readonly accounts: Accounts,
    private readonly reauthentication: Reauthentication,
    private readonly policy: PasswordPolicy,
    private readonly hasher: PasswordHasher,
    private readonly sessions: Sessions,
    private readonly tokens: OneTimeTokens,
    private readonly mail: Mail,
    private readonly notices: Notices,
    private readonly audit: Audit,
  ) {}

  /**
   * Changes the password, ends every other session, voids the links mailed before, and gives this session fresh tokens:
   * a stranger with a copy of its access token or its refresh token is out too.
   * Throws a Problem: `wrong_password`, a refused new password, `email_not_verified`, `session_revoked`, `overloaded`.
   */
  async change(
    { userId, sessionId }: SessionPrincipal,
    { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
    context: RequestContext,
  ): Promise<Tokens> {
    const checkedHash = await this.reauthentication.verify(userId, currentPassword, context);
    this.policy.assertAcceptable(newPassword, await this.users.get(userId), '/newPassword');
    const newHash = await this.hasher.hash(newPassword, { ip: context.ip, known: true });
    const mayNotify = await this.notices.canNotify(userId);
    return this.database.transaction(async (manager) => {
      const account = await this.accounts.changePassword(userId, checkedHash, newHash, manager);
      // Changed by another request since it was checked.
      if (!account) throw new Problem('wrong_password');
      if (!account.verified && this.config.requiresVerifiedEmail) throw new Problem('email_not_verified');
      await this.tokens.voidAll(userId, manager);
      await this.sessions.endAllWithin(userId, sessionId, manager);
      const tokens = await this.sessions.renew(sessionId, userId, context, manager);
      await this.audit.record({ type: 'user.password_changed', actor: userActor(userId, context), userId }, manager);
      if (mayNotify)
        await this.mail.send(mailTemplates.passwordChanged({ ip: context.ip, at: new Date() }), account.email, manager);
      return tokens;
    });
  }
}
