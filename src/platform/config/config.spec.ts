import { generateKeyPairSync } from 'node:crypto';
import { ConfigError, loadConfig } from './config.js';

const SECRET = 'only-for-tests-0123456789-abcdefghijklmnop';

function load(env: NodeJS.ProcessEnv) {
  return loadConfig({ APP_SECRET: SECRET, ...env });
}

/** The faults of an environment, or none. */
function faults(env: NodeJS.ProcessEnv): string[] {
  try {
    load(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

test('with nothing set it has the standard values of the contract', () => {
  const config = load({});
  expect(config).toMatchObject({
    production: false,
    port: 3000,
    host: 'localhost',
    publicUrl: 'http://localhost:3000',
    databaseUrl: undefined,
    signing: { alg: 'ES256', provided: undefined },
    issuer: 'http://localhost:3000',
    audience: 'gatehouse',
    accessTokenTtl: 900_000,
    refreshTokenTtl: 30 * 86_400_000,
    refreshGrace: 10_000,
    sessionMaxAge: 90 * 86_400_000,
    bcryptCost: 12,
    hashQueue: 32,
    signup: 'open',
    passwordMinLength: 8,
    corsOrigins: [],
    trustedProxies: [],
    revocationFallback: 'allow',
    bootstrapAdmin: undefined,
    workers: 1,
    shutdownDelay: 0,
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test('an empty value counts as absent, as in a compose file', () => {
  expect(load({ PORT: '', JWT_ALG: '', DATABASE_URL: '', TRUSTED_PROXIES: '' })).toMatchObject({
    port: 3000,
    databaseUrl: undefined,
  });
});

test.each<[string, string[]]>([
  ['PORT', ['-1', '65536', '80a', '3000.5', ' ', '0x50', '1e3']],
  ['PUBLIC_URL', ['gatehouse.test', 'ftp://gatehouse.test', '//gatehouse.test']],
  // Links are made by putting a path and a fragment after it.
  ['PUBLIC_URL', ['https://id.example/?a=1', 'https://id.example/?', 'https://id.example#a', 'https://id.example/ ']],
  ['PUBLIC_URL', ['https://u:p@id.example', 'https://u@id.example', 'https://:p@id.example/auth']],
  // Compared as a text, and followed by people: as browsers have it.
  ['PUBLIC_URL', ['HTTPS://id.example', 'https:id.example', 'https:/id.example', 'https://Id.example', 'http://127.1']],
  [
    'PUBLIC_URL',
    ['https://id.example:443', 'https://id.example/a/../b', 'https://id.example\\a', 'https://id.example/ä'],
  ],
  ['PUBLIC_URL', ['https://id.example//a', 'https://id.example/a//b', 'https://id.example/.', 'https://@id.example']],
  ['HOST', ['localhost\n', ' 127.0.0.1', 'localhost\u00a0']],
  ['JWT_ISSUER', ['https://id.example\n', '\ufeffhttps://id.example']],
  ['JWT_AUDIENCE', ['gatehouse\r\n', '  ']],
  ['REDIS_URL', ['redis://h/a', 'redis://h/1/2', 'redis://h/-1']],
  ['DATABASE_URL', ['mysql://x/y', 'localhost:5432', 'postgres']],
  ['DATABASE_POOL', ['0', '1', '1001']],
  ['APP_SECRET', ['short', 'a'.repeat(31)]],
  ['JWT_ALG', ['none', 'es256', 'HS512', 'EdDSA']],
  ['JWT_SIGNING_KEY', ['{}', 'x', '[]', 'null']],
  ['ACCESS_TOKEN_TTL', ['15', '0s', '25h', '-1m', '15 min', 'x']],
  ['SHUTDOWN_DELAY', ['5', '-1s', '11m']],
  ['REFRESH_GRACE', ['6m', '-1s', '10']],
  ['BCRYPT_COST', ['3', '16', '12.5', 'x']],
  ['HASH_QUEUE', ['0', '-1']],
  ['SIGNUP', ['yes', 'Open']],
  ['PASSWORD_MIN_LENGTH', ['7', '65']],
  [
    'CORS_ORIGINS',
    [
      '*',
      'https://*.a.example',
      'https://a.example/',
      'https://a.example/x',
      'a.example',
      'null',
      'https://a.example,*',
      'HTTPS://A.example',
    ],
  ],
  [
    'TRUSTED_PROXIES',
    [
      'all',
      '*',
      '1',
      'true',
      '10.0.0.0/33',
      '10.0.0',
      '::1/129',
      '10.0.0.1/',
      'proxy.example',
      '10.0.0.1/-1',
      '2001:db8::/x',
    ],
  ],
  ['REVOCATION_FALLBACK', ['deny!', 'Allow']],
  ['LOG_LEVEL', ['verbose', 'INFO']],
  ['LOG_FORMAT', ['text']],
  ['WORKERS', ['0', '-1', '129', 'all', '1.5']],
  ['BOOTSTRAP_ADMIN_EMAIL', ['ada@example.com']],
  ['BOOTSTRAP_ADMIN_PASSWORD', ['violet tractor']],
])('%s is refused with one sentence that names it', (name, values) => {
  for (const value of values) {
    const found = faults({ [name]: value });
    expect([value, found.length]).toEqual([value, 1]);
    expect(found[0]).toContain(name);
    expect(found[0]).toMatch(/\.$|`\.$/);
  }
});

test.each([
  ['null', /must not hold null: /],
  ['*', /must name each origin: /],
  ['https://*.a.example', /must name each origin: /],
  ['capacitor://*', /must name each origin: /],
  ['https://a.example/', /without a path or a slash at the end: https:\/\/a\.example\./],
  ['https://a.example/x', /: https:\/\/a\.example\./],
  ['capacitor://localhost/', /: capacitor:\/\/localhost\./],
  ['CAPACITOR://LOCALHOST', /: capacitor:\/\/localhost\./],
  ['https://a.example:443', /: https:\/\/a\.example\./],
  ['https://bücher.example', /: https:\/\/xn--bcher-kva\.example\./],
  ['https://ada:hunter2@a.example', /no user or password/],
  ['a.example', /such as https:\/\/app\.example\.com or capacitor/],
  ['capacitor:', /such as/],
  ['capacitor://', /an origin without a host|such as/],
  ['file://', /such as/],
  ['wss://a.example', /such as/],
  ['data://x', /such as/],
])('CORS_ORIGINS=%s is refused with the sentence that applies', (value, sentence) => {
  const found = faults({ CORS_ORIGINS: `https://b.example,${value}` });
  expect(found).toEqual([expect.stringMatching(sentence)]);
  expect(found[0]).not.toContain('hunter2');
});

test.each<[string, string[]]>([
  ['PORT', ['0', '65535']],
  [
    'PUBLIC_URL',
    ['https://id.example.com', 'http://localhost:1', 'https://example.com/auth/', 'https://example.com/@id'],
  ],
  ['DATABASE_URL', ['postgres://u:p@h/d', 'postgresql://h/d']],
  ['ACCESS_TOKEN_TTL', ['1s', '24h', '900000ms']],
  ['REFRESH_GRACE', ['0s', '5m']],
  ['BCRYPT_COST', ['4', '15']],
  ['CORS_ORIGINS', ['https://a.example', 'https://a.example, http://localhost:5173,']],
  ['CORS_ORIGINS', ['capacitor://localhost', 'ionic://localhost', 'tauri://localhost', 'http://tauri.localhost']],
  ['CORS_ORIGINS', ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'app://obsidian.md', 'app://.']],
  ['CORS_ORIGINS', ['moz-extension://1f0b2c3d-1111-4222-8333-444455556666', 'https://localhost,app://localhost:8080']],
  ['TRUSTED_PROXIES', ['loopback', '10.0.0.0/8, ::1', '2001:db8::/32', '127.0.0.1', 'uniquelocal,linklocal']],
  ['WORKERS', ['1', '128', 'auto']],
])('%s is taken at its edges', (name, values) => {
  for (const value of values) expect([value, faults({ [name]: value })]).toEqual([value, []]);
});

test('every fault is told at once, and a secret in none of them', () => {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' });
  const found = faults({
    PORT: 'x',
    BCRYPT_COST: 'y',
    APP_SECRET: 'too-short-secret',
    JWT_SIGNING_KEY: JSON.stringify({ ...key, kid: 'k' }),
    WORKERS: '0',
  });
  expect(found).toHaveLength(5);
  expect(found.join()).not.toContain('too-short-secret');
  expect(found.join()).not.toContain(String(key.d));
  expect(new ConfigError(found).message.split('\n')).toHaveLength(6);
});

describe('in production', () => {
  const production = { NODE_ENV: 'production' };
  test('APP_SECRET must be given and BCRYPT_COST be 10 or more', () => {
    expect(faults({ ...production, APP_SECRET: '', BCRYPT_COST: '9' })).toHaveLength(2);
    expect(faults({ ...production, BCRYPT_COST: '10' })).toEqual([]);
    const [fault, ...others] = faults({ ...production, APP_SECRET: 'abab'.repeat(20) });
    expect([fault, others]).toEqual([expect.stringContaining('APP_SECRET must be random'), []]);
  });
  test('it listens to everybody, and drains for 5 s', () => {
    expect(load(production)).toMatchObject({ host: '0.0.0.0', shutdownDelay: 5_000 });
    expect(load({ ...production, SHUTDOWN_DELAY: '0s' }).shutdownDelay).toBe(0);
  });
});

test('the key decides the algorithm, and JWT_ALG may not say another', () => {
  const jwk = JSON.stringify({
    ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    kid: 'k',
  });
  expect(load({ JWT_SIGNING_KEY: jwk }).signing).toMatchObject({ alg: 'ES256', provided: { kid: 'k' } });
  expect(faults({ JWT_SIGNING_KEY: jwk, JWT_ALG: 'HS256' })).toEqual([expect.stringContaining('JWT_ALG is HS256')]);
});

test('a direct way to the database is one beside DATABASE_URL', () => {
  const direct = { DATABASE_DIRECT_URL: 'postgres://u:p@h/d' };
  expect(faults(direct)).toEqual([expect.stringMatching(/^DATABASE_DIRECT_URL needs DATABASE_URL/)]);
  expect(faults({ ...direct, DATABASE_URL: 'postgres://u:p@pooler/d' })).toEqual([]);
});

test('keys for two purposes or of two secrets are different keys, and always the same', () => {
  const one = load({});
  expect(one.deriveKey('a')).toHaveLength(32);
  expect(one.deriveKey('a')).toEqual(load({}).deriveKey('a'));
  expect(one.deriveKey('a')).not.toEqual(one.deriveKey('b'));
  expect(one.deriveKey('a')).not.toEqual(load({ APP_SECRET: `${SECRET}x` }).deriveKey('a'));
});

test('the issuer is who the settings name, and a port of this machine where they name nobody', () => {
  expect(load({ JWT_ISSUER: 'urn:x' }).isIssuer('urn:x')).toBe(true);
  const unnamed = load({});
  expect(unnamed.isIssuer('http://localhost:3001')).toBe(true);
  for (const other of [
    'http://localhost',
    'https://localhost:3000',
    'http://localhost:3000/',
    'http://localhost:3000.evil.example',
    'http://evil.example:3000',
    'http://localhost:123456',
  ])
    expect([other, unnamed.isIssuer(other)]).toEqual([other, false]);
});

test('with a named address, its issuer is that address and nobody else', () => {
  const { issuer, isIssuer } = load({ PUBLIC_URL: 'https://id.example.com/' });
  expect(issuer).toBe('https://id.example.com');
  expect([isIssuer(issuer), isIssuer(`${issuer}/x`), isIssuer('http://localhost:3000')]).toEqual([true, false, false]);
});
