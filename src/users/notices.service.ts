import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { Quotas } from '../platform/rate-limiting/quotas.service.js';
import { Accounts } from './accounts.service.js';

/** Mails that tell the owner of an account what was done to it. */
@Injectable()
export class Notices {
  constructor(
    private readonly database: Database,
    private readonly accounts: Accounts,
    private readonly quotas: Quotas,
  ) {}

  /**
   * Whether one may go to the user's address: always where it is confirmed; else it may be a stranger's, who gets few mails.
   * Counts, so ask once for each mail, before the transaction that sends it.
   */
  async canNotify(userId: string): Promise<boolean> {
    const account = await this.accounts.findById(userId, this.database.manager);
    return (
      account !== null && (account.verified || (await this.quotas.mayMail(account.emailKey, 'anything else', null)))
    );
  }

  /** As `canNotify`, of a sign-in from a new device: a person who knows the password can make up one device after another. */
  async canNotifyOfDevice(userId: string): Promise<boolean> {
    return (await this.quotas.mayTellOfDevice(userId)) && (await this.canNotify(userId));
  }
}
