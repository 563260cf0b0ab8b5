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
const known = { has: async () => false } as unknown as TrustedNetworks;
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
