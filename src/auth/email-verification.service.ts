import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Revocations } from '../access/revocations.service.js';
import { Audit } from '../audit/audit.service.js';
import type { Client } from '../common/client.js';
import { atTheSameTime } from '../common/same-time.js';
import { Database } from '../database/database.js';
import { Quotas } from '../limits/quotas.service.js';
import { letters } from '../mail/letters.js';
import { Mail } from '../mail/mail.service.js';
import { Sessions } from '../sessions/sessions.service.js';
import { Accounts } from '../users/accounts.service.js';
import { emailKeyOf } from '../users/email.js';
import { EmailChange } from '../users/email-change.service.js';
import { Invitations } from '../users/invitations.service.js';
import { OneTimeTokens, type PendingRegistration } from '../users/one-time-tokens.service.js';

/** Proving that an address is one's own. */
@Injectable()
export class EmailVerification {
  constructor(
    private readonly database: Database,
    private readonly accounts: Accounts,
    private readonly emailChange: EmailChange,
    private readonly invitations: Invitations,
    private readonly sessions: Sessions,
    private readonly tokens: OneTimeTokens,
    private readonly revocations: Revocations,
    private readonly mail: Mail,
    private readonly audit: Audit,
    private readonly quotas: Quotas,
  ) {}

  /**
   * Mails the link that confirms the account's address; the one before is void. With `registration` the link also makes
   * the account what that registration chose.
   */
  async send(
    userId: string,
    registration: PendingRegistration | null,
    client: Client,
    manager: EntityManager,
  ): Promise<void> {
    const account = await this.accounts.findById(userId, manager);
    if (!account) throw new Error('There is no account to confirm');
    const { contested = false } = registration ?? (await this.tokens.pendingRegistration(userId, manager)) ?? {};
    const token = await this.tokens.issue('verify_email', account, manager, registration);
    const letter = letters.verifyEmail(token, { ip: client.ip, at: new Date() }, contested);
    await this.mail.send(letter, account.email, manager);
  }

  /**
   * Mails the link once more to an address that waits for it: a new account's, or an invited person's. Tells the caller
   * nothing about the address. Throws a Problem: `mail_unavailable`, `rate_limited`.
   */
  async resend(email: string, client: Client): Promise<void> {
    this.mail.require();
    await this.quotas.requestMail(client);
    const may = await this.quotas.mayMail(emailKeyOf(email));
    await atTheSameTime(() =>
      this.database.transaction(async (manager) => {
        const account = await this.accounts.findByEmail(email, manager);
        if (!may || !account || account.verified || account.status !== 'active') return;
        if (account.hasPassword) await this.send(account.userId, null, client, manager);
        else await this.invitations.invite(account.userId, { id: null, client }, manager);
      }),
    );
  }

  /**
   * Confirms an address: of a new account, or the new one of an old account. Where the link belongs to a registration, its
   * password and names become the account's, and whoever had registered the address before is out.
   * Throws a Problem: `invalid_token_link`, `email_taken`.
   */
  async verify(token: string, client: Client): Promise<void> {
    const ended = await this.database.transaction(async (manager) => {
      const consumed = await this.tokens.consume(token, ['verify_email', 'change_email'], manager);
      if (consumed.purpose === 'change_email') {
        await this.emailChange.confirm(consumed, client, manager);
        return [];
      }
      const { userId, registration } = consumed;
      await this.audit.record({ type: 'user.email_verified', actorId: userId, userId, client }, manager);
      if (!registration) {
        await this.accounts.verifyEmail(userId, manager);
        return [];
      }
      await this.accounts.install(userId, registration, manager);
      await this.tokens.voidAll(userId, manager);
      return this.sessions.endAllWithin(userId, null, manager);
    });
    this.revocations.sessionsRevoked(ended);
  }
}
