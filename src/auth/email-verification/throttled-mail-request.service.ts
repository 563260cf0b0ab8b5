import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../../platform/database/database.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { DeferredWork, type Work } from '../../platform/jobs/deferred-work.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { type MailUse, Quotas } from '../../platform/rate-limiting/quotas.service.js';
import { TrustedNetworks } from '../../platform/rate-limiting/trusted-networks.js';
import { type Account, Accounts } from '../../users/accounts.service.js';
import { emailKeyOf } from '../../users/email.js';

/** A mail that anybody may ask for. */
export interface ThrottledMail {
  use: MailUse;
  /** Whether this account gets one. */
  isFor: (account: Account) => boolean;
  /** Of what may be the last mail of the hour: whether a link of one sent before still works, which the owner then has. */
  hasLiveLink?: (userId: string) => Promise<boolean>;
  /** Sends it, in a transaction that has locked the account. */
  send: (account: Account, context: RequestContext, manager: EntityManager) => Promise<void>;
}

/** What is remembered of a request until the work is done. */
interface MailRequest {
  email: string;
  context: RequestContext;
}

/** Mails that anybody may ask to have sent to an address. */
@Injectable()
export class ThrottledMailRequests {
  constructor(
    private readonly database: Database,
    private readonly accounts: Accounts,
    private readonly mail: Mail,
    private readonly quotas: Quotas,
    private readonly networks: TrustedNetworks,
    private readonly work: DeferredWork,
  ) {}

  /** From here on `request` of this kind sends this mail. */
  register(kind: string, mail: ThrottledMail): void {
    // Of many requests at once the later must see the link of the earlier, or the last mail of the hour goes out beside it.
    this.work.register<MailRequest>(
      kind,
      (request) => this.prepare(request, mail),
      ({ email }) => emailKeyOf(email),
    );
  }

  /**
   * Accepts a request for the mail, which is sent where the address has an active account that gets one, and may get one more.
   * Looks at no account, so the caller learns nothing, not by the time either.
   * Throws a Problem: `mail_unavailable`, `rate_limited`, `overloaded`.
   */
  async request(kind: string, email: string, context: RequestContext): Promise<void> {
    this.mail.require();
    await this.quotas.requestMail(context);
    const request: MailRequest = { email, context };
    await this.work.accept(kind, request);
  }

  private async prepare({ email, context }: MailRequest, mail: ThrottledMail): Promise<Work | null> {
    const gets = (account: Account | null): account is Account => account?.status === 'active' && mail.isFor(account);
    const found = await this.accounts.findByEmail(email, this.database.manager);
    if (!gets(found) || !(await this.mayMail(found, mail, context))) return null;
    return async (manager) => {
      const account = await this.accounts.lockByEmail(email, manager);
      if (gets(account)) await mail.send(account, context, manager);
    };
  }

  private async mayMail({ userId, emailKey }: Account, mail: ThrottledMail, { ip }: RequestContext): Promise<boolean> {
    const asker = { ip, known: await this.networks.has(userId, ip) };
    if (await this.quotas.mayMail(emailKey, mail.use, asker)) return true;
    if (!mail.hasLiveLink || (await mail.hasLiveLink(userId))) return false;
    return this.quotas.mayMailLast(emailKey);
  }
}
