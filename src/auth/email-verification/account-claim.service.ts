import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { TrustedNetworks } from '../../platform/rate-limiting/trusted-networks.js';
import { Sessions } from '../../sessions/sessions.service.js';
import { Accounts } from '../../users/accounts.service.js';
import { OneTimeTokens } from '../one-time-tokens/one-time-tokens.service.js';

/** Handing an account over to the person who has just proved, by a mailed link, to own its address. */
@Injectable()
export class AccountClaim {
  constructor(
    private readonly accounts: Accounts,
    private readonly sessions: Sessions,
    private readonly tokens: OneTimeTokens,
    private readonly known: TrustedNetworks,
  ) {}

  /**
   * Confirms the address, sets the password (null leaves none), ends every session and voids every other link, in the
   * caller's transaction, which has locked the user. Where the address was not confirmed, or `wasStolen`, a stranger may have
   * used the account until now: the devices and addresses that are known are forgotten too.
   */
  async complete(
    userId: string,
    passwordHash: string | null,
    manager: EntityManager,
    wasStolen = false,
  ): Promise<void> {
    const before = await this.accounts.findById(userId, manager);
    await this.accounts.setProvenPassword(userId, passwordHash, manager);
    await this.tokens.voidAll(userId, manager);
    if (before?.verified && !wasStolen) {
      await this.sessions.endAllWithin(userId, null, manager);
      return;
    }
    await this.sessions.removeAllWithin(userId, manager);
    await this.known.removeAllWithin(userId, manager);
  }
}
