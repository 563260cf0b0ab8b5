import { type DeploymentReport, examine, seenAddress } from './doctor.js';

const DATABASE = {
  clockOffset: 40,
  migrationsPending: false,
  weakSchemas: [],
  unfitSettings: null,
  notificationsArrive: true,
  auditLog: null,
};
const HEALTHY: DeploymentReport = {
  production: true,
  host: '0.0.0.0',
  publicUrl: 'https://gate.example.com',
  settingNotes: [],
  appSecret: 'mZ3xQv8Lr1Tn6Yw0Kd5Hs2Pb9Gj4Fc7A',
  smtpUrl: 'smtps://mail',
  trustedProxies: ['10.1.2.0/24', 'loopback'],
  rateLimits: true,
  databaseInTheClear: [],
  database: DATABASE,
};

/** What a developer's own machine has. */
const AT_HOME = { production: false, host: 'localhost', publicUrl: 'http://localhost:3000', trustedProxies: [] };

const bad = (change: Partial<DeploymentReport>) =>
  examine({ ...HEALTHY, ...change }).filter(({ level }) => level !== 'fine');

it('finds nothing in a healthy deployment', () => expect(bad({})).toEqual([]));

it('misses no notifications where none are needed', () => {
  const findings = examine({ ...HEALTHY, database: { ...DATABASE, notificationsArrive: null } });
  expect(findings.filter(({ level }) => level !== 'fine')).toEqual([]);
  expect(findings.map(({ text }) => text)).toContainEqual(expect.stringContaining('REVOCATION_FEED is poll'));
});

it.each([
  [-1_000, 'This machine and the database have the same time.'],
  [1_001, 'This machine and the database have the same time within 5 s.'],
  [-5_000, 'This machine and the database have the same time within 5 s.'],
])('says of clocks that are %d ms apart how close they are', (clockOffset, text) => {
  const findings = examine({ ...HEALTHY, database: { ...DATABASE, clockOffset } });
  expect(findings).toContainEqual({ level: 'fine', text });
});

it('misses no SMTP_URL while developing, and says where the mails are', () => {
  const findings = examine({ ...HEALTHY, ...AT_HOME, smtpUrl: undefined });
  expect(findings.find(({ text }) => /SMTP_URL/.test(text))).toMatchObject({
    level: 'fine',
    text: expect.stringContaining('/dev/outbox'),
  });
});

it.each<[string, Partial<DeploymentReport>, string, RegExp]>([
  ['a proxy setting that trusts everybody', { trustedProxies: ['0.0.0.0/0'] }, 'fault', /0\.0\.0\.0\/0.*any address/],
  ['the same for IPv6', { trustedProxies: ['10.0.0.1', '::/0'] }, 'fault', /trusts ::\/0/],
  ['a proxy setting as wide as half the world', { trustedProxies: ['128.0.0.0/1'] }, 'fault', /TRUSTED_PROXIES/],
  ['every IPv4 address as IPv6', { trustedProxies: ['::ffff:0.0.0.0/96'] }, 'fault', /::ffff:0\.0\.0\.0\/96/],
  ['a proxy that nobody has named', { trustedProxies: [] }, 'warning', /TRUSTED_PROXIES is empty.*Name the proxy/],
  ['an example secret', { appSecret: 'change-me-change-me-change-me-0123456789' }, 'fault', /openssl rand/],
  ['no secret', { appSecret: undefined }, 'fault', /APP_SECRET is not set/],
  ['no mail', { smtpUrl: undefined }, 'warning', /SMTP_URL.*nobody can reset/],
  ['a clock that is behind', { database: { ...DATABASE, clockOffset: 9_500 } }, 'warning', /9\.5 s behind/],
  ['a clock that is far behind', { database: { ...DATABASE, clockOffset: 60_500 } }, 'fault', /60\.5 s behind/],
  [
    'notifications that do not arrive',
    { database: { ...DATABASE, notificationsArrive: false } },
    'fault',
    /DATABASE_DIRECT_URL .*REVOCATION_FEED=poll/,
  ],
  [
    'a direct URL that leads nowhere',
    { database: { ...DATABASE, notificationsArrive: { unreachable: 'Check DATABASE_DIRECT_URL.' } } },
    'fault',
    /^Check DATABASE_DIRECT_URL\.$/,
  ],
  ['a clock that is ahead', { database: { ...DATABASE, clockOffset: -65_500 } }, 'fault', /65\.5 s ahead of/],
  [
    'a schema in which others may create',
    { database: { ...DATABASE, weakSchemas: ['Other roles may create in the schema public. Run REVOKE …'] } },
    'fault',
    /^Other roles may create in the schema public\. Run REVOKE/,
  ],
  [
    'an audit log that the server could change',
    { database: { ...DATABASE, auditLog: 'It belongs' } },
    'warning',
    /^It/,
  ],
  ['settings that a pooler hides', { database: { ...DATABASE, unfitSettings: 'ALTER ROLE' } }, 'fault', /ALTER ROLE/],
  ['pending migrations', { database: { ...DATABASE, migrationsPending: true } }, 'fault', /older than this build/],
  ['no database', { database: { unreachable: 'Check DATABASE_URL.' } }, 'fault', /^Check DATABASE_URL\.$/],
  ['NODE_ENV forgotten', { ...AT_HOME, host: '0.0.0.0' }, 'fault', /HOST is 0\.0\.0\.0.*Set NODE_ENV=production/],
  [
    'NODE_ENV forgotten behind a proxy',
    { ...AT_HOME, trustedProxies: ['loopback'] },
    'fault',
    /TRUSTED_PROXIES is set/,
  ],
  ['a database in the clear', { databaseInTheClear: ['Without TLS.'] }, 'warning', /^Without TLS\.$/],
  ['a misspelt name', { settingNotes: ['SMTP_ULR is none.'] }, 'warning', /^SMTP_ULR is none\.$/],
  ['plain http', { publicUrl: 'http://gate.example.com' }, 'fault', /https/],
  ['no limits', { rateLimits: false }, 'fault', /RATE_LIMITS/],
])('finds %s, and says what to do', (_what, change, level, text) => {
  const findings = bad(change);
  expect(findings).toHaveLength(1);
  expect(findings[0]?.level).toBe(level);
  expect(findings[0]?.text).toMatch(text);
});

it('takes it that there is no proxy where there is no TLS', () => {
  expect(bad(AT_HOME)).toEqual([]);
});

it('finds plain http on the network, in development too, and what it costs', () => {
  const findings = bad({ ...AT_HOME, publicUrl: 'http://192.168.1.5:3000' });
  expect(findings).toContainEqual({ level: 'warning', text: expect.stringMatching(/not https.*signs everybody out/) });
});

it('never repeats the secret', () => {
  const appSecret = 'my-example-secret-that-nobody-may-see';
  expect(JSON.stringify(examine({ ...HEALTHY, appSecret }))).not.toContain(appSecret);
});

it('begins with the worst', () => {
  const levels = examine({ ...HEALTHY, smtpUrl: undefined, rateLimits: false }).map(({ level }) => level);
  expect(levels).toEqual(
    levels.toSorted((a, b) => ['fault', 'warning', 'fine'].indexOf(a) - ['fault', 'warning', 'fine'].indexOf(b)),
  );
});

describe('the address that is seen', () => {
  it.each([
    ['no proxy trusted', '203.0.113.9', '1.1.1.1', [], { address: '203.0.113.9', suppliedBy: null }],
    [
      'a proxy that is not trusted',
      '203.0.113.9',
      '1.1.1.1',
      ['10.0.0.0/8'],
      { address: '203.0.113.9', suppliedBy: null },
    ],
    ['one trusted hop', '10.0.0.1', '1.1.1.1, 8.8.8.8', ['10.0.0.0/8'], { address: '8.8.8.8', suppliedBy: '10.0.0.1' }],
    [
      'two trusted hops',
      '10.0.0.1',
      '1.1.1.1, 8.8.8.8, 10.0.0.2',
      ['10.0.0.0/8'],
      { address: '8.8.8.8', suppliedBy: '10.0.0.2' },
    ],
    ['a trusted hop that is silent', '10.0.0.1', undefined, ['10.0.0.0/8'], { address: '10.0.0.1', suppliedBy: null }],
    [
      'a trusted hop that writes nonsense',
      '10.0.0.1',
      'nonsense',
      ['10.0.0.0/8'],
      { address: '10.0.0.1', suppliedBy: null },
    ],
    [
      'a trusted hop with a port',
      '10.0.0.1',
      '8.8.8.8:4444, 10.0.0.2:4444',
      ['10.0.0.0/8'],
      { address: '8.8.8.8', suppliedBy: '10.0.0.2' },
    ],
    [
      'everybody trusted',
      '203.0.113.9',
      '1.1.1.1, 8.8.8.8',
      ['0.0.0.0/0', '::/0'],
      { address: '1.1.1.1', suppliedBy: '8.8.8.8' },
    ],
    [
      'an IPv4 peer on an IPv6 socket',
      '::ffff:10.0.0.1',
      '8.8.8.8',
      ['10.0.0.0/8'],
      { address: '8.8.8.8', suppliedBy: '10.0.0.1' },
    ],
  ] as const)('with %s', (_what, peer, forwarded, trusted, seen) => {
    expect(seenAddress(peer, forwarded, trusted)).toEqual(seen);
  });
});
