import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptAppSecret } from './app-secret.js';
import { ConfigError, loadConfig } from './config.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-secret-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('is made once, random, kept for its owner only, and read again', () => {
  const dataDir = join(folder, 'deep', 'inside');
  const secret = keptAppSecret(dataDir);
  expect(Buffer.from(secret, 'base64url')).toHaveLength(48);
  expect(keptAppSecret(dataDir)).toBe(secret);
  expect(statSync(join(dataDir, 'app-secret')).mode & 0o777).toBe(0o600);
  expect(readdirSync(dataDir)).toEqual(['app-secret']);
  expect(keptAppSecret(join(folder, 'other'))).not.toBe(secret);
});

test('one that stands there is left as it is', () => {
  writeFileSync(join(folder, 'app-secret'), 'what the operator wrote\n');
  expect(keptAppSecret(folder)).toBe('what the operator wrote');
  expect(readFileSync(join(folder, 'app-secret'), 'utf8')).toBe('what the operator wrote\n');
});

test('what cannot be read is told, and nothing made in its place', () => {
  mkdirSync(join(folder, 'app-secret'));
  expect(() => keptAppSecret(folder)).toThrow('EISDIR');
});

test.each(['', '\n', 'cut-off-after-31-bytes-0123456789'.slice(0, 31)])(
  'one that was cut off is refused: %j',
  (left) => {
    writeFileSync(join(folder, 'app-secret'), left);
    expect(() => loadConfig({ DATA_DIR: folder })).toThrow(ConfigError);
    expect(() => loadConfig({ DATA_DIR: folder })).toThrow(/app-secret was cut off/);
    expect(readFileSync(join(folder, 'app-secret'), 'utf8')).toBe(left);
    expect(() => loadConfig({ DATA_DIR: folder, APP_SECRET: randomBytes(48).toString('base64') })).not.toThrow();
  },
);
