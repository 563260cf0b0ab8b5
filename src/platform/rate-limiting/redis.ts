import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type { Config } from '../config/config.js';
import { describeRedisFault, isOfDatabase } from './redis-fault.js';

/** Milliseconds after which Redis is as good as down. */
const TIMEOUT = 500;

/** The link to Redis, if the settings name one. While it is down every command fails at once. */
export class RedisLink implements OnApplicationShutdown {
  private constructor(readonly client: Redis | null) {}

  static async open({ redisUrl }: Pick<Config, 'redisUrl'>): Promise<RedisLink> {
    return new RedisLink(redisUrl === undefined ? null : await connect(redisUrl));
  }

  onApplicationShutdown(): void {
    this.client?.disconnect();
  }
}

/** The driver is loaded only where it is needed: it is a tenth of what a start costs. */
async function connect(url: string): Promise<Redis> {
  const { Redis } = await import('ioredis');
  const logger = new Logger('Redis');
  const client = new Redis(url, {
    connectTimeout: TIMEOUT,
    commandTimeout: TIMEOUT,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
  });
  // Without a listener ioredis writes to the console; with each attempt it would say the same again.
  const told = new Set<string>();
  client.on('error', (error: NodeJS.ErrnoException) => {
    const fault = describeRedisFault(error);
    if (!told.has(fault)) logger.warn(`${fault}. Each instance counts for itself meanwhile; trying again`);
    told.add(fault);
    if (isOfDatabase(error)) client.disconnect(true);
  });
  client.on('ready', () => {
    if (told.size > 0) logger.log('Redis is reached again');
    told.clear();
  });
  return client;
}
