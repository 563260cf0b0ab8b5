import { Global, Module } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import { DataSource } from 'typeorm';
import { Clock } from '../common/clock.js';
import { CONFIG } from '../config/config.module.js';
import { Database } from '../database/database.js';
import { FallbackGuessStore } from './fallback-guess-store.js';
import type { GuessStore } from './guess-store.js';
import { LimitKeys } from './limit-keys.js';
import { GUESS_STORE, LoginThrottle } from './login-throttle.service.js';
import { MemoryGuessStore } from './memory-guess-store.js';
import { PostgresGuessStore } from './postgres-guess-store.js';
import { PostgresQuota } from './postgres-quota.js';
import { QUOTA_FACTORY, type QuotaFactory, Quotas } from './quotas.service.js';
import { RedisLink } from './redis.js';
import { RedisGuessStore } from './redis-guess-store.js';
import { RateLimitRetention } from './retention.js';
import { SharedStore } from './shared-store.js';
import { TrustedNetworks } from './trusted-networks.js';

/** Limits on guessing, registering and mailing: counted in Redis where there is one, in Postgres otherwise. */
@Global()
@Module({
  providers: [
    LoginThrottle,
    RateLimitRetention,
    TrustedNetworks,
    LimitKeys,
    Quotas,
    { provide: RedisLink, inject: [CONFIG], useFactory: RedisLink.open },
    { provide: GUESS_STORE, inject: [RedisLink, Database, Clock], useFactory: guessStore },
    { provide: QUOTA_FACTORY, inject: [RedisLink, DataSource, Clock], useFactory: quotaFactory },
  ],
  exports: [LoginThrottle, TrustedNetworks, Quotas],
})
export class RateLimitingModule {}

function guessStore({ client }: RedisLink, database: Database, clock: Clock): GuessStore {
  const shared = client ? new RedisGuessStore(client) : new PostgresGuessStore(database);
  return new FallbackGuessStore(shared, new MemoryGuessStore(clock), clock);
}

/** A refused key is remembered until its window ends, so that a flood does not reach the store. */
function quotaFactory({ client }: RedisLink, source: DataSource, clock: Clock): QuotaFactory {
  const store = new SharedStore(clock);
  return (keyPrefix, points, duration) => {
    const insuranceLimiter = new RateLimiterMemory({ keyPrefix, points, duration });
    const form = { keyPrefix, points, duration, insuranceLimiter, inMemoryBlockOnConsumed: points + 1 };
    return client
      ? new RateLimiterRedis({ ...form, keyPrefix: `gatehouse:${keyPrefix}`, storeClient: client })
      : new PostgresQuota(
          {
            ...form,
            storeClient: source,
            storeType: 'typeorm',
            tableName: 'quotas',
            tableCreated: true,
            clearExpiredByTimeout: false,
          },
          store,
        );
  };
}
