import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { userActor } from '../../access/actor.js';
import { Audit } from '../../audit/audit.service.js';
import { Database } from '../../platform/database/database.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { mailTemplates } from '../../platform/mail/mail-templates.js';
import { Accounts } from '../../users/accounts.service.js';
import { Notices } from '../../users/notices.service.js';
import { EmailChange } from '../email-change/email-change.service.js';
import { OneTimeTokens, type SpentToken } from '../one-time-tokens/one-time-tokens.service.js';
import { AccountClaim } from './account-claim.service.js';
import { ThrottledMailRequests } from './throttled-mail-request.service.js';
import { VerificationMailer } from './verification-mailer.service.js';

/** Proving that an address is one's own. */
@Injectable()
export class EmailVerification implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly accounts: Accounts,
    private readonly emailChange: EmailChange,
    private readonly mailer: VerificationMailer,
    private readonly requested: ThrottledMailRequests,
    private readonly claim: AccountClaim,
    private readonly tokens: OneTimeTokens,
    private readonly notices: Notices,
    private readonly mail: Mail,
    private readonly audit: Audit,
  ) {}

  onModuleInit(): void {
    this.requested.register('verify_email', {
      use: 'anything else',
      isFor: ({ verified }) => !verified,
      send: ({ userId }, context, manager) => this.mailer.resend(userId, { kind: 'anonymous', context }, manager),
    });
  }

  /**
   * Sees to it that what an address waits for is mailed once more: the link to confirm it, or an invitation. Tells the caller
   * nothing about the address. Throws a Problem: `mail_unavailable`, `rate_limited`, `overloaded`.
   */
  async resend(email: string, context: RequestContext): Promise<void> {
    await this.requested.request('verify_email', email, context);
  }

  /**
   * Confirms an address: of a new account, or the new one of an old account. Returns whether its owner has to choose a
   * password yet, for which a link is mailed. Throws a Problem: `invalid_token_link`, `email_taken`.
   */
  async verify(token: string, context: RequestContext): Promise<{ choosePassword: boolean }> {
    const owner = await this.tokens.findOwner(token, 'change_email');
    const mayNotify = owner !== null && (await this.notices.canNotify(owner.id));
    return this.database.transaction(async (manager) => {
      const spent = await this.tokens.spend(token, ['verify_email', 'change_email'], manager);
      if (spent.purpose === 'change_email') {
        await this.emailChange.confirm(spent, mayNotify, context, manager);
        return { choosePassword: false };
      }
      return this.confirm(spent, context, manager);
    });
  }

  /** Of an address that was registered several times only the address is proven: whose the password is stays unknown. */
  private async confirm(
    spent: SpentToken,
    context: RequestContext,
    manager: EntityManager,
  ): Promise<{ choosePassword: boolean }> {
    const { userId, email } = spent;
    const choosePassword = (await this.accounts.findById(userId, manager))?.duplicateRegistration ?? false;
    const data = choosePassword ? { contested: true } : {};
    await this.audit.record({ type: 'user.email_verified', actor: userActor(userId, context), userId, data }, manager);
    if (!choosePassword) await this.accounts.verifyEmail(userId, manager);
    else {
      await this.claim.complete(userId, null, manager);
      const reset = await this.tokens.issue('reset_password', spent, manager);
      await this.mail.send(mailTemplates.choosePassword(reset), email, manager);
    }
    return { choosePassword };
  }
}
