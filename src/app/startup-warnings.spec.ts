import { loadConfig } from '../platform/config/config.js';
import { banner, warningsOf } from './startup-warnings.js';

const start = { url: 'http://localhost:3000', firstAdmin: null, warnings: [] };

test('tells the address, the docs and a first request that can be pasted', () => {
  const text = banner(start);
  expect(text).toContain('serves on http://localhost:3000\n');
  expect(text).toContain('http://localhost:3000/docs');
  const body = /-d '(.*)'/.exec(text)?.[1] ?? '';
  expect(Object.keys(JSON.parse(body))).toEqual(['email', 'password']);
  expect(text).not.toMatch(/admin/i);
});

test('shows the password of a first admin that was made up, as the contract says', () => {
  const text = banner({ ...start, firstAdmin: { email: 'admin@gatehouse.test', password: 'made-up' } });
  expect(text).toMatch(/^ *admin@gatehouse\.test \/ made-up$/m);
});

test('shows no password that the operator chose', () => {
  const text = banner({ ...start, firstAdmin: { email: 'root@example.com' } });
  expect(text).toContain('root@example.com');
  expect(text).toContain('BOOTSTRAP_ADMIN_PASSWORD');
  expect(text).not.toContain(' / ');
});

test('ends with what is to be noted', () => {
  expect(banner({ ...start, warnings: ['One thing.', 'Another.'] })).toMatch(
    /Note: One thing\.\n\n {2}Note: Another\.\n$/,
  );
});

const PRODUCTION = {
  NODE_ENV: 'production',
  APP_SECRET: 'mZ3xQv8Lr1Tn6Yw0Kd5Hs2Pb9Gj4Fc7A',
  DATABASE_URL: 'postgres://db/gatehouse',
  PUBLIC_URL: 'https://auth.example.com',
  SMTP_URL: 'smtps://mail.example.com',
  TRUSTED_PROXIES: '10.0.0.1',
};

test('nothing is to be noted of a deployment as it should be, nor of the settings of a developer', () => {
  expect(warningsOf(loadConfig(PRODUCTION))).toEqual([]);
  expect(warningsOf(loadConfig({ APP_SECRET: PRODUCTION.APP_SECRET, RATE_LIMITS: 'off' }))).toEqual([]);
});

test.each([
  ['PUBLIC_URL', 'http://auth.example.com', /^PUBLIC_URL is not https/],
  ['PUBLIC_URL', '', /^PUBLIC_URL must be set .* links in mails lead to http:\/\/localhost:3000,/],
  ['DATABASE_URL', '', /^DATABASE_URL is not set/],
  ['TRUSTED_PROXIES', '10.0.0.1,0.0.0.0/0', /^TRUSTED_PROXIES trusts 0\.0\.0\.0\/0/],
  ['TRUSTED_PROXIES', '', /^TRUSTED_PROXIES is empty/],
  ['RATE_LIMITS', 'off', /^RATE_LIMITS is off/],
  ['SMTP_URL', '', /^SMTP_URL is not set/],
])('in production %s=%s is noted', (name, value, text) => {
  expect(warningsOf(loadConfig({ ...PRODUCTION, [name]: value }))).toEqual([expect.stringMatching(text)]);
});

test('without mail, links that lead nowhere are no matter, but https is', () => {
  const warnings = warningsOf(loadConfig({ ...PRODUCTION, SMTP_URL: '', PUBLIC_URL: '' }));
  expect(warnings).toEqual([expect.stringMatching(/^PUBLIC_URL is not https/), expect.stringMatching(/^SMTP_URL/)]);
});
