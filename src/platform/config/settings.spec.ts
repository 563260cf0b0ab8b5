import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from './config.js';
import { readSettings } from './settings.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-env-'));
  file = join(folder, '.env');
});
afterEach(() => rmSync(folder, { recursive: true }));

const APP_SECRET = 'mZ3xQv8Lr1Tn6Yw0Kd5Hs2Pb9Gj4Fc7A';
const read = (source: NodeJS.ProcessEnv = {}) => readSettings({ file, source: { DATA_DIR: folder, ...source } });

function faults(source?: NodeJS.ProcessEnv): string[] {
  try {
    read(source);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

test('a byte order mark does not make production a development', () => {
  writeFileSync(file, `\ufeffNODE_ENV=production\r\nAPP_SECRET=${APP_SECRET}\r\n`);
  expect(read()).toMatchObject({ config: { production: true, mail: { delivery: 'none' } }, notes: [] });
});

test('no file is no fault; the environment wins over it, and gets what it lacks', () => {
  expect(faults()).toEqual([]);
  writeFileSync(file, `PORT=4000\nAPP_NAME=Ours\nAPP_SECRET=${APP_SECRET}`);
  const source = { PORT: '5000' } as NodeJS.ProcessEnv;
  expect(readSettings({ file, source }).config).toMatchObject({ port: 5000, mail: { appName: 'Ours' } });
  expect(source).toMatchObject({ PORT: '5000', APP_NAME: 'Ours' });
});

test('a file that is in doubt is refused, and one that cannot be read', () => {
  writeFileSync(file, 'BOOTSTRAP_ADMIN_PASSWORD=violet#tractor');
  expect(faults()).toEqual([expect.stringMatching(/^Line 1 of \.env sets BOOTSTRAP_ADMIN_PASSWORD/)]);
  rmSync(file);
  symlinkSync(join(folder, 'nothing'), file);
  expect(faults()).toEqual([expect.stringMatching(/is there and cannot be read \(ENOENT\)\.$/)]);
  rmSync(file);
  mkdirSync(file);
  expect(faults()).toEqual([expect.stringMatching(/\(EISDIR\)/)]);
});

test('servers under test read no file', () => {
  writeFileSync(file, 'nonsense');
  expect(faults({ NODE_ENV: 'test' })).toEqual([]);
});

test.each([
  ['SMTP_ULR', /^Line 1 of \.env sets SMTP_ULR, .*Is SMTP_URL meant\?$/],
  ['smtp_url', /Is SMTP_URL meant/],
  ['DATABSE_URL', /Is DATABASE_URL meant/],
  ['TRUSTED_PROXY', /no setting of Gatehouse/],
  ['GATEHOUSE_PORT', /Is PORT meant/],
  ['JWT_SECRET', /Those that begin so are JWT_ALG, JWT_SIGNING_KEY/],
  ['SOMETHING_ELSE', /no setting of Gatehouse and changes nothing in it\.$/],
])('an unknown name in the file is told with the nearest known one: %s', (name, sentence) => {
  writeFileSync(file, `${name}=x`);
  expect(read().notes).toEqual([expect.stringMatching(sentence)]);
});

test.each([
  'SMTP_ULR',
  'DATABASE_UR',
  'WORKER',
  'GATEHOUSE_SECRET',
  'JWT_SECRET',
  'CORS_ORIGIN',
  'REDIS_HOST',
  'TRUST_PROXY',
  'TRUSTED_PROXY',
  'RATE_LIMITING',
])('in the environment what looks like ours is told: %s', (name) => {
  expect(read({ [name]: 'x' }).notes).toEqual([expect.stringContaining(`The environment sets ${name}, which is no`)]);
});

test.each([
  ['HOME', '/root'],
  ['HOSTNAME', 'x'],
  ['PATH', '/bin'],
  ['LOGNAME', 'root'],
  ['SESSION_MANAGER', 'x'],
  ['SMTP_ULR', ''],
  // Kubernetes and Docker links of services of these names.
  ['GATEHOUSE_SERVICE_HOST', '10.0.0.1'],
  ['GATEHOUSE_PORT', 'tcp://10.0.0.1:3000'],
  ['DATABASE_PORT_5432_TCP_ADDR', '10.0.0.2'],
  ['GATEHOUSE_WORKER_DATABASE_URL', 'postgres://h/d'],
])('what is not meant for Gatehouse is left alone: %s', (name, value) => {
  expect(read({ [name]: value }).notes).toEqual([]);
});

test('quotes that came along with a value are told', () => {
  expect(read({ APP_SECRET: `"${APP_SECRET}"` }).notes).toEqual([expect.stringMatching(/APP_SECRET.*in quotes/)]);
});

test('where a setting is missing, the name that was misspelt is told beside it', () => {
  const found = faults({ NODE_ENV: 'production', APP_SECERT: APP_SECRET });
  expect(found).toEqual([
    expect.stringMatching(/^APP_SECRET is required/),
    expect.stringMatching(/APP_SECERT.*Is APP_SECRET meant/),
  ]);
  expect(found.join()).not.toContain(APP_SECRET);
});
