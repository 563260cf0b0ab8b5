import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { KeyedMutex } from '../common/keyed-mutex.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import type { Problem } from '../http/problem.js';
import type { RequestContext } from '../http/request-context.js';
import { ACCOUNT, ACCOUNT_AND_ADDRESS, ADDRESS, type GuessRule, SITE } from './guess-rules.js';
import type { GuessStore, Verdict } from './guess-store.js';
import { LimitKeys } from './limit-keys.js';
import { rateLimited } from './rate-limited.js';
import { RefusalCache } from './refusal-cache.js';
import { TrustedNetworks } from './trusted-networks.js';

/** The injection token of the store that counts guesses. */
export const GUESS_STORE = Symbol('GUESS_STORE');

/** Whose secret is guessed: an account, or the name that was given where nobody has it. */
export interface GuessSubject {
  accountId: string | null;
  /** As names are compared; empty where none was given. Counted where there is no account, so that both answer alike. */
  name: string;
}

/** Where the rules stand in the list of them. */
const [OF_ACCOUNT, OF_ADDRESS, OF_SITE] = [1, 2, 3];
/** Guesses about one account from one address that wait for those before them, at most. */
const MOST_WAITING = 100;
/** Milliseconds that a guess waits at most for those before it. */
const LONGEST_WAIT = 10_000;
/** What a client is told to wait, milliseconds, that found no place in the line. */
const LINE_ADVICE = 1_000;
/** What a client is told to wait at most, milliseconds: an account under attack opens to its owner's new address by a reset. */
const LONGEST_ADVICE = 900_000;

/** Nobody guesses: wrong passwords are counted by account, by address and by network, exactly, before they are checked. */
@Injectable()
export class LoginThrottle {
  private readonly logger = new Logger('Limits');
  private readonly mutex = new KeyedMutex(MOST_WAITING);
  private readonly refusals: RefusalCache;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(GUESS_STORE) private readonly store: GuessStore,
    private readonly keys: LimitKeys,
    private readonly known: TrustedNetworks,
    private readonly clock: Clock,
  ) {
    this.refusals = new RefusalCache(clock);
  }

  /**
   * Runs `check`, which tells whether a guess is right, unless the account or the address has been wrong too often.
   * A guess that cannot be checked, because `check` throws, counts for nothing. Throws a Problem `rate_limited`.
   */
  async check(subject: GuessSubject, context: RequestContext, check: () => Promise<boolean>): Promise<boolean> {
    if (!this.config.rateLimits) return check();
    const rules = this.rulesFor(subject, context.ip);
    const since = await this.acquire(rules, subject, context);
    let outcome: 'right' | 'wrong' | 'unknown' = 'unknown';
    try {
      const right = await check();
      outcome = right ? 'right' : 'wrong';
      return right;
    } finally {
      await this.store.settle(rules, since, outcome);
    }
  }

  /**
   * Throws a Problem `rate_limited` for a client that was refused a moment ago: with any name, or with this one. Asks no
   * store, and not the database whose name it is: a flood of refused guesses ends here.
   */
  assertNotBlocked({ ip }: RequestContext, name?: string): void {
    if (!this.config.rateLimits) return;
    this.refusals.assertNotBlocked(name === undefined ? this.ruleForAddress(ip).key : this.keyOfName(name, ip));
  }

  /** Forgets what was guessed about an account, once its owner has proved by other means who they are. */
  async forgive(accountId: string, context: RequestContext): Promise<void> {
    const keys = this.rulesFor({ accountId, name: '' }, context.ip).flatMap((rule) =>
      rule.consecutive ? [rule.key] : [],
    );
    this.refusals.forgetAll();
    await this.store.forget(keys);
  }

  private rulesFor({ accountId, name }: GuessSubject, address: string): GuessRule[] {
    const account = accountId === null ? ['name', name] : ['id', accountId];
    const site = this.keys.ofSite('site', address);
    return [
      { ...ACCOUNT_AND_ADDRESS, key: this.keys.ofAddress('account and address', address, ...account), open: false },
      { ...ACCOUNT, key: this.keys.of('account', ...account), open: false },
      this.ruleForAddress(address),
      ...(site === null ? [] : [{ ...SITE, key: site, open: false }]),
    ];
  }

  /** The key of a refusal that is remembered for a name as it was given, whichever account has it. */
  private keyOfName(name: string, address: string): string {
    return this.keys.ofAddress('refused name', address, name);
  }

  /** Nothing where no name was given: those who are signed in share none. */
  private keysOfName(name: string, address: string): string[] {
    return name === '' ? [] : [this.keyOfName(name, address)];
  }

  private ruleForAddress(address: string): GuessRule {
    return { ...ADDRESS, key: this.keys.ofAddress('address', address), open: false };
  }

  /** Guesses about one account from one address take their places in the order in which they came. Returns since when. */
  private async acquire(rules: GuessRule[], subject: GuessSubject, context: RequestContext): Promise<number> {
    const [first] = rules as [GuessRule];
    const came = this.clock.elapsed();
    const turn = this.mutex.run(first.key, () => this.tryAcquire(rules, subject, context, came));
    if (!turn) throw rateLimited(first.free, LINE_ADVICE);
    return turn;
  }

  private async tryAcquire(
    rules: GuessRule[],
    subject: GuessSubject,
    context: RequestContext,
    came: number,
  ): Promise<number> {
    const keys = [...rules.map(({ key }) => key), ...this.keysOfName(subject.name, context.ip)];
    for (let pause = 10; ; pause = Math.min(pause * 2, 200)) {
      this.refusals.assertNotBlockedSince(came, keys);
      const verdict = await this.reserve(rules, subject, context);
      if (verdict.kind === 'admitted') {
        this.refusals.forget(keys);
        return verdict.since;
      }
      if (verdict.kind === 'refused') throw this.refuse(rules, verdict, subject, context);
      if (this.clock.elapsed() > came + LONGEST_WAIT) throw rateLimited(rules[0]?.free ?? 0, LINE_ADVICE);
      await sleep(randomInt(pause / 2, pause * 1.5));
    }
  }

  /**
   * While an account is under attack, an address that has signed in to it before still gets in, whether the guesses of others
   * were wrong or are being checked; and while a network is, the addresses in it that are known.
   */
  private async reserve(rules: GuessRule[], { accountId }: GuessSubject, { ip }: RequestContext): Promise<Verdict> {
    const verdict = await this.store.reserve(rules);
    const ofOthers = rules.filter((_, index) => index === OF_ACCOUNT || index === OF_SITE);
    if (verdict.kind === 'admitted' || ofOthers.every(({ open }) => open)) return verdict;
    const isOfOthers = verdict.kind === 'contended' || verdict.rule === OF_ACCOUNT || verdict.rule === OF_SITE;
    if (!isOfOthers || !(await this.known.has(accountId, ip))) return verdict;
    for (const rule of ofOthers) rule.open = true;
    return this.store.reserve(rules);
  }

  private refuse(
    rules: GuessRule[],
    { rule: index, waitMs }: Verdict & { kind: 'refused' },
    { name }: GuessSubject,
    { ip, requestId }: RequestContext,
  ): Problem {
    const rule = rules[index] as GuessRule;
    const wait = Math.min(waitMs, LONGEST_ADVICE);
    // What is refused for the sake of the account or the network is remembered for this address only: another may be known.
    const keys = index !== OF_ADDRESS ? [(rules[0] as GuessRule).key, ...this.keysOfName(name, ip)] : [rule.key];
    this.logger.warn(`Too many wrong passwords, request ${requestId}: refused for ${Math.ceil(wait / 1000)} s`);
    return this.refusals.remember(keys, rule.free, wait);
  }
}
