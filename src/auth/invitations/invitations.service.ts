import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { Audit } from '../../audit/audit.service.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { mailTemplates } from '../../platform/mail/mail-templates.js';
import { Accounts } from '../../users/accounts.service.js';
import { OneTimeTokens } from '../one-time-tokens/one-time-tokens.service.js';

/** Inviting the owner of an address to an account that was made for them and has no password yet. */
@Injectable()
export class Invitations {
  constructor(
    private readonly accounts: Accounts,
    private readonly tokens: OneTimeTokens,
    private readonly mail: Mail,
    private readonly audit: Audit,
  ) {}

  /**
   * Mails an invitation, good for 7 days, in the caller's transaction; the one before is void.
   * Throws a Problem `mail_unavailable` where no mail can be sent.
   */
  async invite(userId: string, actor: Actor, manager: EntityManager): Promise<void> {
    this.mail.require();
    const account = await this.accounts.findById(userId, manager);
    if (!account) throw new Error('An invitation needs a user');
    const token = await this.tokens.issue('invitation', account, manager);
    await this.mail.send(mailTemplates.invitation(token), account.email, manager);
    await this.audit.record({ type: 'user.invited', actor, userId }, manager);
  }
}
