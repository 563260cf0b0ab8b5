import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';

/** Milliseconds after which Redis is as good as down. */
const PATIENCE = 500;

/** The link to Redis, if the settings name one. While it is down every command fails at once. */
@Injectable()
export class RedisLink implements OnApplicationShutdown {
  readonly client: Redis | null;

  constructor(@Inject(CONFIG) { redisUrl }: Config) {
    this.client = redisUrl === undefined ? null : connect(redisUrl);
  }

  onApplicationShutdown(): void {
    this.client?.disconnect();
  }
}

function connect(url: string): Redis {
  const logger = new Logger('Redis');
  const client = new Redis(url, {
    connectTimeout: PATIENCE,
    commandTimeout: PATIENCE,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
  });
  // Without a listener ioredis writes to the console; with each attempt it would say the same again.
  let told = false;
  client.on('error', (error: NodeJS.ErrnoException) => {
    if (!told) logger.warn(`Redis cannot be reached (${error.code ?? error.name}); trying again`);
    told = true;
  });
  client.on('ready', () => {
    if (told) logger.log('Redis is reached again');
    told = false;
  });
  return client;
}
