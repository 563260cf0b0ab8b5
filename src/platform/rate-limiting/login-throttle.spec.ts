import { Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { Config } from '../config/config.js';
import { LimitKeys } from './limit-keys.js';
import { LoginThrottle } from './login-throttle.service.js';
import { MemoryGuessStore } from './memory-guess-store.js';
import type { TrustedNetworks } from './trusted-networks.js';

/** All of it happens in one moment, in which a refusal holds for every caller who asks the same. */
class StoppedClock extends Clock {
  override elapsed() {
    return 1_000;
  }
}

const clock = new StoppedClock();
const config = { rateLimits: true, deriveKey: () => Buffer.alloc(32) } as unknown as Config;
const OWNER = '203.0.113.7';
const known = { has: async (_id: string, ip: string) => ip === OWNER } as unknown as TrustedNetworks;
const context = { ip: '192.0.2.1', userAgent: null, requestId: 'x' };

let limits: LoginThrottle;
beforeAll(() => Logger.overrideLogger(false));
beforeEach(() => {
  limits = new LoginThrottle(config, new MemoryGuessStore(clock), new LimitKeys(config), known, clock);
});

const guess = (accountId: string | null, name: string) =>
  limits.check({ accountId, name }, context, async () => false).catch(({ code }) => code);

async function exhaust(accountId: string | null, name: string): Promise<void> {
  for (let index = 0; index < 5; index++) expect(await guess(accountId, name)).toBe(false);
  expect(await guess(accountId, name)).toBe('rate_limited');
}

it('refuses no signed-in user for what another one at their address was refused', async () => {
  await exhaust('one', '');
  expect(await guess('other', '')).toBe(false);
});

it('refuses a name at once that was just refused, whichever account has it, and no other', async () => {
  await exhaust('one', 'ada@example.com');
  expect(await guess(null, 'ada@example.com')).toBe('rate_limited');
  expect(await guess(null, 'grace@example.com')).toBe(false);
});

describe('an account that strangers guess at', () => {
  const never = () => new Promise<boolean>(() => undefined);
  const flood = (count: number, at: (index: number) => string) => {
    for (let index = 0; index < count; index++)
      void limits.check({ accountId: 'one', name: '' }, { ...context, ip: at(index) }, never).catch(() => undefined);
    return new Promise(setImmediate);
  };
  const owner = (ip = OWNER) => limits.check({ accountId: 'one', name: '' }, { ...context, ip }, async () => true);

  it('lets a known address in while a hundred guesses of others are under way', async () => {
    await flood(150, (index) => `198.51.100.${index}`);
    expect(await owner()).toBe(true);
  });
});

describe('a /48', () => {
  const at = (index: number) => `2001:db8:7:${index.toString(16)}::1`;
  const wrong = (ip: string) =>
    limits
      .check({ accountId: `account at ${ip}`, name: '' }, { ...context, ip }, async () => false)
      .catch(({ code, headers }) => `${code} of ${headers['ratelimit-limit']}`);

  it('has a thousand wrong guesses in all, exactly, however many of its networks guess at once', async () => {
    const answers = await Promise.all(Array.from({ length: 1_200 }, (_, index) => wrong(at(index % 600))));
    expect(answers.filter((answer) => answer === false)).toHaveLength(1_000);
    expect(new Set(answers)).toEqual(new Set([false, 'rate_limited of 1000']));
    expect(await wrong('2001:db8:8::1')).toBe(false);
    expect(await wrong('192.0.2.9')).toBe(false);
  });
});
