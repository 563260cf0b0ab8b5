import { BlockList } from 'node:net';
import { z } from 'zod';
import { trimBlanks } from '../common/trim-blanks.js';
import { parseDatabaseUrl } from './database-url.js';
import { parseDuration } from './duration.js';
import { parseSender, parseSmtpUrl } from './mail-settings.js';
import { faultOfOrigin } from './origins.js';
import { parseSigningKey, SIGNING_ALGORITHMS } from './signing-key.js';
import { faultOfUrl } from './url-fault.js';

/** Reads a duration between two others; the value is in milliseconds. */
function readDuration(example: string, least: string, most: string) {
  const [low, high] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  return (text: string, context: z.RefinementCtx): number => {
    const value = parseDuration(text);
    if (value !== null && value >= low && value <= high) return value;
    context.addIssue(`must be a duration from ${least} to ${most}, such as ${example}`);
    return z.NEVER;
  };
}

/** A duration that has a standard value. */
function duration(standard: string, least: string, most: string) {
  return z
    .string()
    .default(standard)
    .transform(readDuration(standard, least, most));
}

/** A whole number between two others. */
function whole(standard: number, least: number, most: number) {
  return z
    .string()
    .default(String(standard))
    .transform((text, context) => {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= least && value <= most) return value;
      context.addIssue(`must be a whole number from ${least} to ${most}`);
      return z.NEVER;
    });
}

function url(protocols: string[]) {
  return z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });
}

/** What a function reads that throws what is wrong. */
function parsed<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue((error as Error).message);
      return z.NEVER;
    }
  });
}

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  );

const PROXY_NAMES = ['loopback', 'linklocal', 'uniquelocal'];

function isNetwork(text: string): boolean {
  if (PROXY_NAMES.includes(text)) return true;
  const [address = '', prefix, ...rest] = text.split('/');
  if (rest.length > 0) return false;
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  try {
    new BlockList().addSubnet(address, prefix === undefined ? 0 : Number(prefix), family);
    return prefix === undefined || /^\d{1,3}$/.test(prefix);
  } catch {
    return false;
  }
}

/** Whether a path and a fragment can be put after a URL. A text that is not a URL is another fault. */
function canBeExtended(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password } = new URL(text);
  return username === '' && password === '' && !/[?#\s]/.test(text);
}

/** A text that is taken as it is: with the line break of a file that a secret was made from it would be another one. */
const exactText = z
  .string()
  .refine((text) => trimBlanks(text) === text, { message: 'must not begin or end with a blank or a line break' });

/** What is wrong with how a URL is written that programs compare as a text and people follow, or null. */
function faultOfSpelling(text: string): string | null {
  if (!URL.canParse(text) || !canBeExtended(text)) return null;
  const { href, pathname } = new URL(text);
  if (/\/\/./.test(pathname)) return 'must have no empty part in its path';
  const [written, exact] = [text, href].map((each) => each.replace(/\/+$/, ''));
  return written === exact ? null : `must be written as browsers have it: ${exact}`;
}

/** Every setting as it stands in the environment: its form, its bounds and its standard value. */
export const environment = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'], {
      error: 'must be production, development or test: anything else would be taken for development',
    })
    .default('development'),
  PORT: whole(3000, 0, 65535),
  HOST: exactText.optional(),
  PUBLIC_URL: url(['http:', 'https:'])
    .refine(canBeExtended, { message: 'must have no user, password, query, fragment or space: links are made from it' })
    .superRefine((text, context) => {
      const fault = faultOfSpelling(text);
      if (fault) context.addIssue(fault);
    })
    .transform((text) => text.replace(/\/+$/, ''))
    .optional(),
  DATA_DIR: exactText.optional(),
  DATABASE_URL: parsed(parseDatabaseUrl).optional(),
  DATABASE_DIRECT_URL: parsed(parseDatabaseUrl).optional(),
  DATABASE_POOL: whole(10, 2, 1000),
  APP_SECRET: z.string().optional(),
  JWT_ALG: z.enum(SIGNING_ALGORITHMS, { error: `must be one of ${SIGNING_ALGORITHMS.join(', ')}` }).optional(),
  JWT_SIGNING_KEY: parsed(parseSigningKey).optional(),
  JWT_ISSUER: exactText.optional(),
  JWT_AUDIENCE: exactText.default('gatehouse'),
  JWT_KEY_LIFETIME: duration('90d', '1h', '3650d'),
  ACCESS_TOKEN_TTL: duration('15m', '1s', '24h'),
  REFRESH_TOKEN_TTL: duration('30d', '1s', '3650d'),
  REFRESH_GRACE: duration('10s', '0s', '5m'),
  SESSION_MAX_AGE: duration('90d', '1s', '3650d'),
  SESSIONS_PER_USER: whole(100, 1, 10_000),
  BCRYPT_COST: whole(12, 4, 15),
  HASH_QUEUE: whole(32, 1, 10_000),
  SIGNUP: z.enum(['open', 'closed'], { error: 'must be open or closed' }).default('open'),
  EMAIL_VERIFICATION: z.enum(['optional', 'required'], { error: 'must be optional or required' }).optional(),
  PASSWORD_MIN_LENGTH: whole(8, 8, 64),
  SMTP_URL: parsed(parseSmtpUrl).optional(),
  MAIL_FROM: z
    .string()
    .transform((text, context) => {
      const sender = parseSender(text);
      if (sender) return sender;
      context.addIssue('must be an address such as no-reply@example.com or Example <no-reply@example.com>');
      return z.NEVER;
    })
    .optional(),
  APP_NAME: exactText
    .regex(/^[^\p{Cc}<>"]{1,64}$/u, {
      message: 'must be 1 to 64 characters, without control characters, quotes, < and >',
    })
    .default('Gatehouse'),
  CORS_ORIGINS: list.superRefine((items, context) => {
    const fault = items.map(faultOfOrigin).find((each) => each !== null);
    if (fault) context.addIssue(fault);
  }),
  TRUSTED_PROXIES: list.refine((items) => items.every(isNetwork), {
    message: 'must be a list of addresses or networks such as 10.0.0.0/8, or loopback, linklocal, uniquelocal',
  }),
  REDIS_URL: z
    .string()
    .superRefine((text, context) => {
      const fault = faultOfUrl(text, ['redis:', 'rediss:'], 'rediss://user:password@host:6379');
      if (fault) context.addIssue(fault);
      else if (!/^\/?\d{0,4}$/.test(new URL(text).pathname))
        context.addIssue('must end with the number of a database, or with none: rediss://user:password@host:6379/0');
    })
    .optional(),
  RATE_LIMITS: z.enum(['on', 'off'], { error: 'must be on or off' }).default('on'),
  REVOCATION_FEED: z.enum(['notify', 'poll'], { error: 'must be notify or poll' }).default('notify'),
  REVOCATION_FALLBACK: z.enum(['allow', 'deny'], { error: 'must be allow or deny' }).default('allow'),
  AUDIT_RETENTION: z
    .string()
    .transform(readDuration('365d', '1d', '36500d'))
    .optional(),
  BOOTSTRAP_ADMIN_EMAIL: z.string().optional(),
  BOOTSTRAP_ADMIN_PASSWORD: z
    .string()
    .regex(/^[^\r\n]*$/, { message: 'must hold no line break: nobody can type it' })
    .optional(),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'must be one of fatal, error, warn, info, debug, trace, silent',
    })
    .default('info'),
  LOG_FORMAT: z.enum(['json', 'pretty'], { error: 'must be json or pretty' }).optional(),
  SHUTDOWN_DELAY: z
    .string()
    .transform(readDuration('5s', '0s', '10m'))
    .optional(),
  WORKERS: z
    .string()
    .default('1')
    .refine((text) => text === 'auto' || /^([1-9]|[1-9]\d|1[01]\d|12[0-8])$/.test(text), {
      message: 'must be auto or a whole number from 1 to 128',
    }),
});

export type Environment = z.output<typeof environment>;
