import { Inject, Injectable, Logger } from '@nestjs/common';
import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import type { RequestContext } from '../http/request-context.js';
import { LimitKeys } from './limit-keys.js';
import { rateLimited } from './rate-limited.js';

/** The injection token of the function that makes the limiter of a quota. */
export const QUOTA_FACTORY = Symbol('QUOTA_FACTORY');

/** Makes a limiter of so many points in so many seconds. */
export type QuotaFactory = (name: string, points: number, seconds: number) => RateLimiterAbstract;

const HOUR = 3_600;
/** Seconds for which a link to a new password works. */
const LINK_LIFE = HOUR / 2;

/** What a mail is for, where it is counted by its address. */
export type MailUse = 'new password' | 'anything else';

/** The client that asks for a mail to an address, and whether the account of the address was signed in to from there before. */
export interface MailAsker {
  ip: string;
  known: boolean;
}

/** How often some things may be done in an hour, counted over all instances. */
@Injectable()
export class Quotas {
  private readonly logger = new Logger('Limits');
  private readonly registrations: RateLimiterAbstract;
  private readonly siteRegistrations: RateLimiterAbstract;
  private readonly mailRequests: RateLimiterAbstract;
  private readonly siteMailRequests: RateLimiterAbstract;
  private readonly mails: RateLimiterAbstract;
  private readonly firstMails: RateLimiterAbstract;
  private readonly lastMails: RateLimiterAbstract;
  private readonly otherMails: RateLimiterAbstract;
  private readonly strangersMails: RateLimiterAbstract;
  private readonly strangerMails: RateLimiterAbstract;
  private readonly deviceNotices: RateLimiterAbstract;
  private readonly exports: RateLimiterAbstract;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(QUOTA_FACTORY) make: QuotaFactory,
    private readonly keys: LimitKeys,
  ) {
    this.registrations = make('registrations', 20, HOUR);
    this.siteRegistrations = make('site-registrations', 200, HOUR);
    this.mailRequests = make('mail-requests', 20, HOUR);
    this.siteMailRequests = make('site-mail-requests', 200, HOUR);
    this.mails = make('mails', 5, HOUR);
    this.firstMails = make('first-mails', 4, HOUR);
    this.lastMails = make('last-mails', 1, LINK_LIFE);
    this.strangersMails = make('strangers-mails', 3, HOUR);
    this.strangerMails = make('stranger-mails', 2, HOUR);
    this.otherMails = make('other-mails', 3, HOUR);
    this.deviceNotices = make('device-notices', 5, HOUR);
    this.exports = make('exports', 5, HOUR);
  }

  /** Counts a registration of this client. Throws a Problem `rate_limited` past 20 an hour, or past 200 of its /48. */
  async register({ ip }: RequestContext): Promise<void> {
    await this.countOrRefuse(this.registrations, this.keys.ofAddress('registrations', ip));
    await this.countOrRefuse(this.siteRegistrations, this.keys.ofSite('registrations', ip));
  }

  /** Counts a request of this client that may send a mail. Throws a Problem `rate_limited` past 20 an hour, or past 200 of its /48. */
  async requestMail({ ip }: RequestContext): Promise<void> {
    await this.countOrRefuse(this.mailRequests, this.keys.ofAddress('mail requests', ip));
    await this.countOrRefuse(this.siteMailRequests, this.keys.ofSite('mail requests', ip));
  }

  /**
   * Whether one more mail may go to this address, and counts it: 5 an hour, the last of which `mayMailLast` gives out. No more
   * than 3 are for anything else than a new password, and no more than 3 go at the request of strangers, of whom each client
   * has 2 new passwords: one is kept for the networks that the account knows. `emailKey` is the address as it is compared;
   * `asker` is null where the account itself has it sent. Ask only where a mail will go, and not in a transaction: the count
   * may need a connection of its own. The caller answers the same either way, for the answer would tell whether there is an
   * account.
   */
  async mayMail(emailKey: string, use: MailUse, asker: MailAsker | null): Promise<boolean> {
    if (!this.config.rateLimits) return true;
    const key = this.keys.of('mails', emailKey);
    const isStranger = asker !== null && !asker.known;
    // The narrower count first: what it refuses must use up nothing that others share.
    if (isStranger && use === 'new password') {
      const own = this.keys.ofAddress('stranger mails', asker.ip, emailKey);
      if (!(await this.allows(this.strangerMails, own))) return false;
    }
    if (use === 'anything else' && !(await this.allows(this.otherMails, key))) return false;
    if (isStranger && !(await this.allows(this.strangersMails, key))) return false;
    return (await this.allows(this.firstMails, key)) && this.allows(this.mails, key);
  }

  /**
   * Whether the last mail of the hour may go to this address, for a new password while no link for one lives, so that nobody
   * who has used up the others keeps the owner out: one in the life of a link. Counts it.
   */
  async mayMailLast(emailKey: string): Promise<boolean> {
    const key = this.keys.of('mails', emailKey);
    return (await this.allows(this.lastMails, key)) && this.allows(this.mails, key);
  }

  /** Whether the owner may be told of one more new device, and counts it: 5 an hour. Apart from the mails above. */
  async mayTellOfDevice(userId: string): Promise<boolean> {
    return this.allows(this.deviceNotices, this.keys.of('device notices', userId));
  }

  /** Counts an export of this account. Throws a Problem `rate_limited` past 5 an hour. */
  async export(userId: string): Promise<void> {
    await this.countOrRefuse(this.exports, this.keys.of('exports', userId));
  }

  private async allows(limiter: RateLimiterAbstract, key: string): Promise<boolean> {
    return !this.config.rateLimits || (await this.consume(limiter, key)).within;
  }

  /** Nothing without a key. The narrower count first: what it refuses must not use up the one that is shared with others. */
  private async countOrRefuse(limiter: RateLimiterAbstract, key: string | null): Promise<void> {
    if (!this.config.rateLimits || key === null) return;
    const { within, waitMs } = await this.consume(limiter, key);
    if (!within) throw rateLimited(limiter.points, waitMs);
  }

  private async consume(limiter: RateLimiterAbstract, key: string): Promise<{ within: boolean; waitMs: number }> {
    try {
      const { msBeforeNext } = await limiter.consume(key);
      return { within: true, waitMs: msBeforeNext };
    } catch (refusal) {
      // The library throws its result where the quota is used up. An error here means that both stores have failed.
      if (refusal instanceof RateLimiterRes) return { within: false, waitMs: refusal.msBeforeNext };
      this.logger.error(`A quota could not be counted: ${refusal}`);
      throw refusal;
    }
  }
}
