import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Client } from '../common/client.js';
import { letters } from '../mail/letters.js';
import { Mail } from '../mail/mail.service.js';
import { type Account, Accounts } from './accounts.service.js';
import { Invitations } from './invitations.service.js';
import { OneTimeTokens, type PendingRegistration } from './one-time-tokens.service.js';
import type { Actor } from './users.service.js';

/** Asking the owner of an address, by mail, to prove that it is theirs. */
@Injectable()
export class AddressProof {
  constructor(
    private readonly accounts: Accounts,
    private readonly invitations: Invitations,
    private readonly tokens: OneTimeTokens,
    private readonly mail: Mail,
  ) {}

  /**
   * Mails the link that confirms the account's address, in the caller's transaction; the one before is void. With
   * `registration` the link also makes the account what that registration chose.
   */
  async ask(
    userId: string,
    registration: PendingRegistration | null,
    client: Client,
    manager: EntityManager,
  ): Promise<void> {
    const account = await this.accounts.findById(userId, manager);
    if (!account) throw new Error('There is no account to confirm');
    await this.send(account, registration, client, manager);
  }

  /**
   * Mails what the account's address waits for: the link to confirm it, or an invitation to somebody who has no password
   * yet. Nothing to an address that is proven, to an account that is disabled, or where no mail can be sent.
   */
  async askAgain(userId: string, actor: Actor, manager: EntityManager): Promise<void> {
    if (!this.mail.available) return;
    const account = await this.accounts.findById(userId, manager);
    if (!account || account.verified || account.status !== 'active') return;
    if (account.hasPassword) await this.send(account, null, actor.client, manager);
    else await this.invitations.invite(userId, actor, manager);
  }

  private async send(
    account: Account,
    registration: PendingRegistration | null,
    client: Client | null,
    manager: EntityManager,
  ): Promise<void> {
    const { contested = false } = registration ?? (await this.tokens.pendingRegistration(account, manager)) ?? {};
    const token = await this.tokens.issue('verify_email', account, manager, registration);
    const origin = client && { ip: client.ip, at: new Date() };
    await this.mail.send(letters.verifyEmail(token, origin, contested), account.email, manager);
  }
}
