import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../../platform/database/database.js';
import { inConstantTime } from '../../platform/http/constant-response-time.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { type MailUse, Quotas } from '../../platform/rate-limiting/quotas.service.js';
import { type Account, Accounts } from '../../users/accounts.service.js';
import { emailKeyOf } from '../../users/email.js';

/** A mail that anybody may ask for. */
export interface ThrottledMail {
  use: MailUse;
  /** Whether this account gets one. */
  isFor: (account: Account) => boolean;
  /** Sends it, in a transaction that has locked the account. */
  send: (account: Account, manager: EntityManager) => Promise<void>;
}

/** Mails that anybody may ask to have sent to an address. */
@Injectable()
export class ThrottledMailRequests {
  /** What is being answered, by use and address. */
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(
    private readonly database: Database,
    private readonly accounts: Accounts,
    private readonly mail: Mail,
    private readonly quotas: Quotas,
  ) {}

  /**
   * Sends the mail where the address has an active account that gets one, and may get one more. Tells the caller nothing of
   * that, not by its time either. Throws a Problem: `mail_unavailable`, `rate_limited`.
   */
  async send(email: string, context: RequestContext, mail: ThrottledMail): Promise<void> {
    this.mail.require();
    await this.quotas.requestMail(context);
    await inConstantTime(() => this.once(`${mail.use} ${emailKeyOf(email)}`, () => this.answer(email, mail)));
  }

  /**
   * Requests for one mail at the same moment share it. Were each to wait for the account's lock, the last of a burst would
   * wait past the time in which all are answered, and only where there is an account.
   */
  private once(key: string, work: () => Promise<void>): Promise<void> {
    const known = this.underWay.get(key);
    if (known) return known;
    const begun = work().finally(() => this.underWay.delete(key));
    this.underWay.set(key, begun);
    return begun;
  }

  private async answer(email: string, { use, isFor, send }: ThrottledMail): Promise<void> {
    const gets = (account: Account | null): account is Account => account?.status === 'active' && isFor(account);
    const found = await this.accounts.findByEmail(email, this.database.manager);
    if (!gets(found) || !(await this.quotas.mayMail(found.emailKey, use))) return;
    await this.database.transaction(async (manager) => {
      const account = await this.accounts.lockByEmail(email, manager);
      if (gets(account)) await send(account, manager);
    });
  }
}
