import { Injectable, type OnModuleInit } from '@nestjs/common';
import { userActor } from '../../access/actor.js';
import { Audit } from '../../audit/audit.service.js';
import { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import { PasswordPolicy } from '../../credentials/passwords/password-policy.js';
import { Database } from '../../platform/database/database.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { mailTemplates } from '../../platform/mail/mail-templates.js';
import { LoginThrottle } from '../../platform/rate-limiting/login-throttle.service.js';
import { TrustedNetworks } from '../../platform/rate-limiting/trusted-networks.js';
import { AccountClaim } from '../email-verification/account-claim.service.js';
import { ThrottledMailRequests } from '../email-verification/throttled-mail-request.service.js';
import { OneTimeTokens } from '../one-time-tokens/one-time-tokens.service.js';

/** Choosing a new password with a link that was mailed. */
@Injectable()
export class PasswordReset implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly policy: PasswordPolicy,
    private readonly hasher: PasswordHasher,
    private readonly claim: AccountClaim,
    private readonly tokens: OneTimeTokens,
    private readonly mail: Mail,
    private readonly audit: Audit,
    private readonly requested: ThrottledMailRequests,
    private readonly guesses: LoginThrottle,
    private readonly known: TrustedNetworks,
  ) {}

  onModuleInit(): void {
    this.requested.register('reset_password', {
      use: 'new password',
      isFor: () => true,
      hasLiveLink: (userId) => this.tokens.hasLive(userId, 'reset_password'),
      send: async (account, { ip }, manager) => {
        const token = await this.tokens.issue('reset_password', account, manager);
        await this.mail.send(mailTemplates.resetPassword(token, { ip, at: new Date() }), account.email, manager);
      },
    });
  }

  /**
   * Sees to it that the link is mailed to an address with an active account, and tells the caller nothing.
   * Throws a Problem: `mail_unavailable`, `rate_limited`, `overloaded`.
   */
  async request(email: string, context: RequestContext): Promise<void> {
    await this.requested.request('reset_password', email, context);
  }

  /**
   * Sets the password of the link's account, whose address is thereby confirmed, ends all its sessions and voids every
   * other link. The network it came from is known from then on. Signs nobody in: a second factor is still asked for.
   * Throws a Problem: `invalid_token_link`, a refused password (the link stays good), `overloaded`.
   */
  async reset(token: string, password: string, context: RequestContext): Promise<void> {
    this.policy.assertAcceptable(password, await this.tokens.ownerOf(token, 'reset_password'));
    const passwordHash = await this.hasher.hash(password, { ip: context.ip, known: true });
    const userId = await this.database.transaction(async (manager) => {
      const { userId, email } = await this.tokens.spend(token, ['reset_password'], manager);
      await this.claim.complete(userId, passwordHash, manager);
      // A flood of guesses that goes on would fill the count again before the owner has signed in.
      await this.known.add(userId, context.ip, manager);
      await this.audit.record({ type: 'user.password_reset', actor: userActor(userId, context), userId }, manager);
      await this.mail.send(mailTemplates.passwordChanged({ ip: context.ip, at: new Date() }), email, manager);
      return userId;
    });
    // A person who reads the mailbox has proved more than a password would.
    await this.guesses.forgive(userId, context);
  }
}
