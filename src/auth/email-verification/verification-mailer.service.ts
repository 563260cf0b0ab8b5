import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { mailTemplates } from '../../platform/mail/mail-templates.js';
import type { AddressHolder } from '../../users/accounts.service.js';
import { Accounts } from '../../users/accounts.service.js';
import { Invitations } from '../invitations/invitations.service.js';
import { OneTimeTokens } from '../one-time-tokens/one-time-tokens.service.js';

/** Asking the owner of an address, by mail, to prove that it is theirs. The caller's transaction has locked the account. */
@Injectable()
export class VerificationMailer {
  constructor(
    private readonly accounts: Accounts,
    private readonly invitations: Invitations,
    private readonly tokens: OneTimeTokens,
    private readonly mail: Mail,
  ) {}

  /** Mails the link that confirms the address of a registration; the one before is void. */
  async send(
    account: AddressHolder & { duplicateRegistration: boolean },
    context: RequestContext,
    manager: EntityManager,
  ): Promise<void> {
    const token = await this.tokens.issue('verify_email', account, manager);
    const mail = mailTemplates.confirmRegistration(
      token,
      { ip: context.ip, at: new Date() },
      account.duplicateRegistration,
    );
    await this.mail.send(mail, account.email, manager);
  }

  /**
   * Mails what the account's address waits for: a link to confirm it, or an invitation where the account has no password
   * yet. Nothing to an address that is proven, to an account that is disabled, or where no mail can be sent.
   */
  async resend(userId: string, actor: Actor, manager: EntityManager): Promise<void> {
    if (!this.mail.available) return;
    const account = await this.accounts.findById(userId, manager);
    if (!account || account.verified || account.status !== 'active') return;
    if (!account.hasPassword) return this.invitations.invite(userId, actor, manager);
    const token = await this.tokens.issue('verify_email', account, manager);
    await this.mail.send(mailTemplates.confirmAddress(token, account.duplicateRegistration), account.email, manager);
  }
}
