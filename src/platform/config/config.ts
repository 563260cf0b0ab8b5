import { hkdfSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keptAppSecret } from './app-secret.js';
import { type Environment, environment } from './environment.js';
import { isAtHome } from './exposure.js';
import type { Sender, SmtpServer } from './mail-settings.js';
import type { ProvidedSigningKey, SigningAlgorithm } from './signing-key.js';

/** The settings of this process, checked once and frozen. Every duration is in milliseconds. */
export interface Config {
  readonly production: boolean;
  /** Whether this is a developer's own machine, reached from nowhere else: what is for development exists there alone. */
  readonly atHome: boolean;
  readonly port: number;
  readonly host: string;
  readonly publicUrl: string;
  readonly dataDir: string;
  /** Absent: the embedded Postgres. */
  readonly databaseUrl: string | undefined;
  /** Leads to Postgres itself where `databaseUrl` leads through a pooler; absent: the same. */
  readonly databaseDirectUrl: string | undefined;
  readonly databasePool: number;
  readonly signing: {
    readonly alg: SigningAlgorithm;
    readonly provided: ProvidedSigningKey | undefined;
    readonly keyLifetime: number;
  };
  readonly issuer: string;
  /** Whether a token's issuer is this deployment. */
  isIssuer(issuer: string): boolean;
  readonly audience: string;
  readonly accessTokenTtl: number;
  readonly refreshTokenTtl: number;
  readonly refreshGrace: number;
  readonly sessionMaxAge: number;
  /** Live sessions of one user at most: one more ends the oldest. */
  readonly sessionsPerUser: number;
  readonly bcryptCost: number;
  readonly hashQueue: number;
  readonly signup: 'open' | 'closed';
  /** Whether nobody signs in before their email address is confirmed. */
  readonly requiresVerifiedEmail: boolean;
  readonly mail: {
    /** `none`: no mail server, and not a developer's own machine. No mail can be sent. */
    readonly delivery: 'smtp' | 'development outbox' | 'none';
    readonly smtp: SmtpServer | undefined;
    readonly from: Sender;
    /** What mails call the service. */
    readonly appName: string;
  };
  readonly passwordMinLength: number;
  readonly corsOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  /** Absent: Postgres counts what instances must add up. */
  readonly redisUrl: string | undefined;
  readonly rateLimits: boolean;
  /** How an instance learns that there is something to hear: by notifications, or by looking four times a second. */
  readonly revocationFeed: 'notify' | 'poll';
  readonly revocationFallback: 'allow' | 'deny';
  /** Absent: audit entries are kept for ever. */
  readonly auditRetention: number | undefined;
  readonly bootstrapAdmin: { readonly email: string; readonly password: string } | undefined;
  readonly log: { readonly level: string; readonly format: 'json' | 'pretty' };
  readonly workers: number;
  /** How long an instance that is told to stop says "not ready" and serves as before. */
  readonly shutdownDelay: number;
  /** A key for one purpose, derived from `APP_SECRET` (HKDF-SHA-256, RFC 5869). The secret itself goes nowhere else. */
  deriveKey(purpose: string): Buffer;
}

/** What is wrong with the settings, one sentence for each fault. The process exits 78 (EX_CONFIG). */
export class ConfigError extends Error {
  constructor(readonly faults: string[]) {
    super(`The settings cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

/**
 * Reads and checks the environment. Throws ConfigError that lists every fault at once.
 * An empty value counts as absent, as in a compose file with `NAME=`.
 */
export function loadConfig(source: NodeJS.ProcessEnv): Config {
  const present = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(present);
  const faults = parsed.success ? [] : parsed.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}.`);
  // The rules between settings are checked on whatever could be read, so that one run shows all that is wrong.
  faults.push(...crossFaults(parsed.success ? parsed.data : (present as Partial<Environment>)));
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(assemble(parsed.data));
}

function crossFaults(env: Partial<Environment>): string[] {
  const faults: string[] = [];
  const production = env.NODE_ENV === 'production';
  // The same in a deployment whose NODE_ENV was forgotten.
  const exposed = !isAtHome(placeOf(env));
  const secret = env.APP_SECRET;
  if (production && secret === undefined)
    faults.push('APP_SECRET is required in production: 32 bytes or more, such as from `openssl rand -base64 48`.');
  if (secret !== undefined && Buffer.byteLength(secret) < 32) faults.push('APP_SECRET must have at least 32 bytes.');
  else if ((production || exposed) && secret !== undefined && new Set(secret).size < 10)
    faults.push('APP_SECRET must be random: this one repeats a few characters. Try `openssl rand -base64 48`.');
  if (production && Number(env.BCRYPT_COST ?? 12) < 10) faults.push('BCRYPT_COST must be 10 or more in production.');
  if ((production || exposed) && env.SMTP_URL === undefined && env.EMAIL_VERIFICATION === 'required')
    faults.push(
      `SMTP_URL is required ${production ? 'in production' : 'off this machine'} where EMAIL_VERIFICATION=required, such as smtps://user:password@host.`,
    );
  const key = env.JWT_SIGNING_KEY;
  if (typeof key === 'object' && env.JWT_ALG !== undefined && key.alg !== env.JWT_ALG)
    faults.push(`JWT_ALG is ${env.JWT_ALG}, but JWT_SIGNING_KEY is a key for ${key.alg}.`);
  if (env.DATABASE_DIRECT_URL !== undefined && env.DATABASE_URL === undefined)
    faults.push('DATABASE_DIRECT_URL needs DATABASE_URL: it is another way to the same database.');
  if ((env.BOOTSTRAP_ADMIN_EMAIL === undefined) !== (env.BOOTSTRAP_ADMIN_PASSWORD === undefined))
    faults.push('BOOTSTRAP_ADMIN_EMAIL and BOOTSTRAP_ADMIN_PASSWORD must be set together.');
  return faults;
}

/** Where a server listens and is reached, as the settings say or leave it. */
function placeOf({ NODE_ENV, HOST, PORT, PUBLIC_URL }: Partial<Environment>) {
  return {
    host: HOST ?? (NODE_ENV === 'production' ? '0.0.0.0' : 'localhost'),
    publicUrl: PUBLIC_URL ?? `http://localhost:${PORT}`,
  };
}

function assemble(env: Environment): Config {
  const production = env.NODE_ENV === 'production';
  const { host, publicUrl } = placeOf(env);
  const atHome = !production && isAtHome({ host, publicUrl });
  const dataDir = env.DATA_DIR ? resolve(env.DATA_DIR) : join(projectRoot(), '.data');
  const secret = env.APP_SECRET ?? wholeSecret(dataDir);
  return {
    production,
    atHome,
    port: env.PORT,
    host,
    publicUrl,
    dataDir,
    databaseUrl: env.DATABASE_URL,
    databaseDirectUrl: env.DATABASE_DIRECT_URL,
    databasePool: env.DATABASE_POOL,
    signing: {
      alg: env.JWT_SIGNING_KEY?.alg ?? env.JWT_ALG ?? 'ES256',
      provided: env.JWT_SIGNING_KEY,
      keyLifetime: env.JWT_KEY_LIFETIME,
    },
    issuer: env.JWT_ISSUER ?? publicUrl,
    isIssuer: issuerCheck(env.JWT_ISSUER ?? env.PUBLIC_URL),
    audience: env.JWT_AUDIENCE,
    accessTokenTtl: env.ACCESS_TOKEN_TTL,
    refreshTokenTtl: env.REFRESH_TOKEN_TTL,
    refreshGrace: env.REFRESH_GRACE,
    sessionMaxAge: env.SESSION_MAX_AGE,
    sessionsPerUser: env.SESSIONS_PER_USER,
    bcryptCost: env.BCRYPT_COST,
    hashQueue: env.HASH_QUEUE,
    signup: env.SIGNUP,
    requiresVerifiedEmail: (env.EMAIL_VERIFICATION ?? (env.SMTP_URL ? 'required' : 'optional')) === 'required',
    mail: {
      delivery: env.SMTP_URL ? 'smtp' : atHome ? 'development outbox' : 'none',
      smtp: env.SMTP_URL,
      from: {
        name: env.MAIL_FROM?.name ?? env.APP_NAME,
        address: env.MAIL_FROM?.address ?? `no-reply@${new URL(publicUrl).hostname}`,
      },
      appName: env.APP_NAME,
    },
    passwordMinLength: env.PASSWORD_MIN_LENGTH,
    corsOrigins: env.CORS_ORIGINS,
    trustedProxies: env.TRUSTED_PROXIES,
    redisUrl: env.REDIS_URL,
    rateLimits: env.RATE_LIMITS === 'on',
    revocationFeed: env.REVOCATION_FEED,
    revocationFallback: env.REVOCATION_FALLBACK,
    auditRetention: env.AUDIT_RETENTION,
    bootstrapAdmin:
      env.BOOTSTRAP_ADMIN_EMAIL && env.BOOTSTRAP_ADMIN_PASSWORD
        ? { email: env.BOOTSTRAP_ADMIN_EMAIL, password: env.BOOTSTRAP_ADMIN_PASSWORD }
        : undefined,
    log: { level: env.LOG_LEVEL, format: env.LOG_FORMAT ?? (process.stdout.isTTY ? 'pretty' : 'json') },
    workers: env.WORKERS === 'auto' ? availableParallelism() : Number(env.WORKERS),
    shutdownDelay: env.SHUTDOWN_DELAY ?? (production ? 5_000 : 0),
    deriveKey: (purpose) => Buffer.from(hkdfSync('sha256', secret, '', `gatehouse ${purpose}`, 32)),
  };
}

/** The secret that is kept here. A file that was cut off, by a full disk or a power loss, is none: anybody can guess it. */
function wholeSecret(dataDir: string): string {
  const secret = keptAppSecret(dataDir);
  if (Buffer.byteLength(secret) >= 32) return secret;
  const file = join(dataDir, 'app-secret');
  throw new ConfigError([
    `${file} was cut off: it holds fewer than 32 bytes. Put it back from a backup; without it no password fits any more.`,
  ]);
}

/**
 * Who may have issued a token: exactly the one that the settings name. Where they name none, the standard value holds the
 * port, and instances on several ports of one machine that share a database are one deployment all the same.
 */
function issuerCheck(named: string | undefined): (issuer: string) => boolean {
  return named === undefined ? (issuer) => /^http:\/\/localhost:\d{1,5}$/.test(issuer) : (issuer) => issuer === named;
}

/** The folder of package.json, so that `.data` is the same from whatever folder the command is given. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}
