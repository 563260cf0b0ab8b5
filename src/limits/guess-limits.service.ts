import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import QuickLRU from 'quick-lru';
import type { Client } from '../common/client.js';
import { Clock } from '../common/clock.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { ACCOUNT, ACCOUNT_AND_ADDRESS, ADDRESS, type GuessRule } from './guess-rules.js';
import type { GuessStore, Verdict } from './guess-store.js';
import { KnownAddresses } from './known-addresses.js';
import { LimitKeys } from './limit-keys.js';
import { Lines } from './line.js';
import { rateLimited } from './rate-limited.js';

/** The injection token of the store that counts guesses. */
export const GUESS_STORE = Symbol('GUESS_STORE');

/** Whose secret is guessed: an account, or the name that was given where nobody has it. */
export interface GuessSubject {
  accountId: string | null;
  /** As names are compared. Counted where there is no account, so that both answer alike. */
  name: string;
}

/** Guesses about one account from one address that wait for those before them, at most. */
const LONGEST_LINE = 100;
/** Milliseconds that a guess waits at most for those before it. */
const PATIENCE = 10_000;
/** Milliseconds for which a refusal is remembered, so that a flood of refused guesses does not reach the store. */
const REMEMBERED = 1_000;
/** What a client is told to wait at most, milliseconds: an account under attack opens to its owner's new address by a reset. */
const LONGEST_ADVICE = 900_000;

interface Refusal {
  limit: number;
  until: number;
}

/** Nobody guesses: wrong passwords are counted by account and by address, exactly, before they are checked. */
@Injectable()
export class GuessLimits {
  private readonly logger = new Logger('Limits');
  private readonly lines = new Lines(LONGEST_LINE);
  private readonly refusals = new QuickLRU<string, Refusal>({ maxSize: 10_000 });

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(GUESS_STORE) private readonly store: GuessStore,
    private readonly keys: LimitKeys,
    private readonly known: KnownAddresses,
    private readonly clock: Clock,
  ) {}

  /**
   * Runs `check`, which tells whether a guess is right, unless the account or the address has been wrong too often.
   * A guess that cannot be checked, because `check` throws, counts for nothing. Throws a Problem `rate_limited`.
   */
  async check(subject: GuessSubject, client: Client, check: () => Promise<boolean>): Promise<boolean> {
    if (!this.config.rateLimits) return check();
    const rules = this.rulesFor(subject, client.ip);
    await this.enter(rules, subject, client);
    let outcome: 'right' | 'wrong' | 'unknown' = 'unknown';
    try {
      const right = await check();
      outcome = right ? 'right' : 'wrong';
      return right;
    } finally {
      await this.store.settle(rules, outcome);
    }
  }

  /** Throws a Problem `rate_limited` for a client that has just been refused whatever the account; asks no store. */
  recall({ ip }: Pick<Client, 'ip'>): void {
    if (this.config.rateLimits && this.refusals.size > 0) this.recallRefusal([this.ruleForAddress(ip)]);
  }

  /** Forgets what was guessed about an account, once its owner has proved by other means who they are. */
  async forgive(accountId: string, client: Client): Promise<void> {
    const keys = this.rulesFor({ accountId, name: '' }, client.ip).flatMap((rule) =>
      rule.consecutive ? [rule.key] : [],
    );
    for (const key of keys) this.refusals.delete(key);
    await this.store.forget(keys);
  }

  private rulesFor({ accountId, name }: GuessSubject, address: string): GuessRule[] {
    const account = accountId === null ? ['name', name] : ['id', accountId];
    return [
      { ...ACCOUNT_AND_ADDRESS, key: this.keys.ofAddress('account and address', address, ...account), open: false },
      { ...ACCOUNT, key: this.keys.of('account', ...account), open: false },
      this.ruleForAddress(address),
    ];
  }

  private ruleForAddress(address: string): GuessRule {
    return { ...ADDRESS, key: this.keys.ofAddress('address', address), open: false };
  }

  /** Guesses about one account from one address take their places in the order in which they came. */
  private async enter(rules: GuessRule[], subject: GuessSubject, client: Client): Promise<void> {
    const [first] = rules as [GuessRule];
    const deadline = this.clock.elapsed() + PATIENCE;
    this.recallRefusal(rules);
    const turn = this.lines.join(first.key, () => this.takePlace(rules, subject, client, deadline));
    if (!turn) throw rateLimited(first.free, REMEMBERED);
    await turn;
  }

  private async takePlace(rules: GuessRule[], subject: GuessSubject, client: Client, deadline: number): Promise<void> {
    for (let pause = 10; ; pause = Math.min(pause * 2, 200)) {
      this.recallRefusal(rules);
      const verdict = await this.reserve(rules, subject, client);
      if (verdict.kind === 'admitted') return;
      if (verdict.kind === 'refused') throw this.refuse(rules, verdict, client);
      if (this.clock.elapsed() > deadline) throw rateLimited(rules[0]?.free ?? 0, REMEMBERED);
      await sleep(randomInt(pause / 2, pause * 1.5));
    }
  }

  /** While an account is under attack, an address that has signed in to it before still gets in. */
  private async reserve(rules: GuessRule[], { accountId }: GuessSubject, { ip }: Client): Promise<Verdict> {
    const verdict = await this.store.reserve(rules);
    const account = rules[1] as GuessRule;
    if (verdict.kind !== 'refused' || rules[verdict.rule] !== account || !(await this.known.has(accountId, ip)))
      return verdict;
    account.open = true;
    return this.store.reserve(rules);
  }

  private refuse(rules: GuessRule[], { rule: index, waitMs }: Verdict & { kind: 'refused' }, client: Client) {
    const rule = rules[index] as GuessRule;
    const wait = Math.min(waitMs, LONGEST_ADVICE);
    // What is refused for the account's sake is remembered for this address only: another one may be known.
    const key = rule.consecutive ? (rules[0] as GuessRule).key : rule.key;
    this.refusals.set(
      key,
      { limit: rule.free, until: this.clock.elapsed() + wait },
      { maxAge: Math.min(wait, REMEMBERED) },
    );
    this.logger.warn(`Too many wrong passwords, request ${client.requestId}: refused for ${Math.ceil(wait / 1000)} s`);
    return rateLimited(rule.free, wait);
  }

  private recallRefusal(rules: readonly GuessRule[]): void {
    for (const { key } of rules) {
      const refusal = this.refusals.get(key);
      if (refusal) throw rateLimited(refusal.limit, refusal.until - this.clock.elapsed());
    }
  }
}
