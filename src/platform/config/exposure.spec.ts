import { loadConfig } from './config.js';
import { plainOnNetwork, undeclaredProduction } from './exposure.js';

const APP_SECRET = 'mZ3xQv8Lr1Tn6Yw0Kd5Hs2Pb9Gj4Fc7A';
const load = (env: NodeJS.ProcessEnv) => loadConfig({ APP_SECRET, ...env });

test.each<NodeJS.ProcessEnv>([
  {},
  { HOST: '127.0.0.1' },
  { HOST: '::1', PUBLIC_URL: 'http://[::1]:3000' },
  { PUBLIC_URL: 'http://app.localhost:3000' },
  { PUBLIC_URL: 'https://localhost:8443' },
  { HOST: '127.0.0.1', PUBLIC_URL: 'http://gatehouse.test' },
])('a machine of one’s own has an outbox, and nothing is said: %j', (env) => {
  const config = load(env);
  expect([config.atHome, config.mail.delivery, undeclaredProduction(config)]).toEqual([
    true,
    'development outbox',
    null,
  ]);
});

test.each<[NodeJS.ProcessEnv, RegExp]>([
  [{ HOST: '0.0.0.0' }, /HOST is 0\.0\.0\.0,/],
  [{ HOST: '::' }, /HOST is ::,/],
  [{ HOST: '192.168.1.5' }, /HOST is 192/],
  [{ HOST: 'gate.internal' }, /HOST is gate\.internal/],
  [{ PUBLIC_URL: 'https://auth.example.com' }, /PUBLIC_URL is https:\/\/auth\.example\.com/],
  [{ PUBLIC_URL: 'http://localhost.example.com' }, /PUBLIC_URL is/],
  [{ PUBLIC_URL: 'http://127.0.0.1.nip.io' }, /PUBLIC_URL is/],
  [
    { HOST: '0.0.0.0', PUBLIC_URL: 'https://a.example' },
    /HOST is 0\.0\.0\.0 and PUBLIC_URL is https:\/\/a\.example, as/,
  ],
])('one that others reach has none, and NODE_ENV is asked for: %j', (env, sentence) => {
  const config = load(env);
  expect([config.atHome, config.mail.delivery]).toEqual([false, 'none']);
  expect(undeclaredProduction(config)).toMatch(sentence);
  expect(undeclaredProduction(config)).toMatch(/Set NODE_ENV=production\. The development outbox is not there\.$/);
  expect(undeclaredProduction(load({ ...env, NODE_ENV: 'production' }))).toBeNull();
});

test('a proxy alone is a sign too', () => {
  expect(undeclaredProduction(load({ TRUSTED_PROXIES: '10.0.0.0/8' }))).toMatch(/TRUSTED_PROXIES is set/);
});

test('off this machine a secret that anybody guesses is refused, and mail that nobody could get', () => {
  const exposed = { HOST: '0.0.0.0' };
  expect(() => load({ ...exposed, APP_SECRET: 'ab'.repeat(20) })).toThrow(/APP_SECRET must be random/);
  expect(() => load({ ...exposed, EMAIL_VERIFICATION: 'required' })).toThrow(/SMTP_URL is required off this machine/);
});

test.each(['prod', 'Production', 'production ', 'staging', '"production"'])('NODE_ENV=%j is refused', (NODE_ENV) => {
  expect(() => load({ NODE_ENV })).toThrow(/NODE_ENV must be production, development or test/);
});

test.each([
  ['http://192.168.1.5:3000', true],
  ['http://gate.example.com', true],
  ['http://localhost.example.com', true],
  ['https://gate.example.com', false],
  ['http://localhost:3000', false],
  ['http://127.0.0.1:3000', false],
  ['http://[::1]:3000', false],
  ['http://127.0.0.2:3000', false],
  ['http://gatehouse.test', true],
  ['http://app.localhost', false],
])('plain http on the network is told: %s', (publicUrl, isTold) => {
  expect(plainOnNetwork(publicUrl) !== null).toBe(isTold);
});
