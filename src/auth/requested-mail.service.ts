import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Client } from '../common/client.js';
import { atTheSameTime } from '../common/same-time.js';
import { Database } from '../database/database.js';
import { Quotas } from '../limits/quotas.service.js';
import { Mail } from '../mail/mail.service.js';
import { type Account, Accounts } from '../users/accounts.service.js';
import { emailKeyOf } from '../users/email.js';

/** Mails that anybody may ask to have sent to an address. */
@Injectable()
export class RequestedMail {
  constructor(
    private readonly database: Database,
    private readonly accounts: Accounts,
    private readonly mail: Mail,
    private readonly quotas: Quotas,
  ) {}

  /**
   * Runs `send` in a transaction where the address has an active account and may get one more mail. Tells the caller
   * nothing of that, not by its time either. Throws a Problem: `mail_unavailable`, `rate_limited`.
   */
  async to(
    email: string,
    client: Client,
    send: (account: Account, manager: EntityManager) => Promise<void>,
  ): Promise<void> {
    this.mail.require();
    await this.quotas.requestMail(client);
    const may = await this.quotas.mayMail(emailKeyOf(email));
    await atTheSameTime(() =>
      this.database.transaction(async (manager) => {
        const account = await this.accounts.lockByEmail(email, manager);
        if (may && account?.status === 'active') await send(account, manager);
      }),
    );
  }
}
