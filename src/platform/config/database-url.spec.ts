import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Certificates } from '../../../test/support/certificates.js';
import { ConfigError, loadConfig } from './config.js';
import { databaseInTheClear, parseDatabaseUrl } from './database-url.js';

const certificates = new Certificates();
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-url-'));
writeFileSync(join(folder, 'nonsense'), 'no certificate');
afterAll(() => {
  certificates.remove();
  rmSync(folder, { recursive: true });
});

test.each([
  'postgres://u:p@h/d',
  'postgresql://u:p%23%40%2F%25@h:5432/d',
  'postgres://u:p@ss@h/d',
  'postgres://u:p@/d?host=/var/run/postgresql',
  'postgres:///d?host=/tmp',
  'postgres://%2Fvar%2Frun%2Fpostgresql/d',
  'postgres://u:p@[::1]:5432/d?application_name=x',
  'postgres://u:p@h/d?sslmode=disable',
  `postgres://h/d?sslmode=verify-full&sslrootcert=${certificates.authority}`,
  `postgres://h/d?sslmode=verify-full&sslcert=${certificates.certificate}&sslkey=${certificates.key}`,
])('%s is taken as it is', (url) => {
  expect(parseDatabaseUrl(url)).toBe(url);
});

test.each(['prefer', 'require', 'verify-ca'])(
  'sslmode=%s is what the driver makes of it, and not warned of',
  (mode) => {
    expect(parseDatabaseUrl(`postgres://h/d?a=b&sslmode=${mode}&c=d`)).toBe(
      'postgres://h/d?a=b&sslmode=verify-full&c=d',
    );
    const compatible = `postgres://h/d?uselibpqcompat=true&sslmode=require`;
    expect(parseDatabaseUrl(compatible)).toBe(compatible);
  },
);

const FAULTS: [url: string, sentence: RegExp][] = [
  ['mysql://u:hunter2@h/d', /must be a URL that starts with postgres:\/\/ or postgresql:\/\//],
  ['postgres://u:hunter2#x@h/d', /holds a # that stands for itself: in a password it is written %23/],
  ['postgres://u:hunter2/x@h/d', /holds a \/ or \? before its @/],
  ['postgres://u:12/hunter2@h/d', /holds a \/ or \? before its @/],
  ['postgres://u:12?hunter2@h/d', /holds a \/ or \? before its @/],
  ['postgres://u:hunter2%@h/d', /holds a % that encodes nothing: in a password it is written %25/],
  ['postgres://u:hunter2%ff@h/d', /encode no UTF-8/],
  ['postgres://u:hunter2 x@h/d', /must hold no blank/],
  ['postgres://u:hunter2@h:port/d', /must be a URL such as postgres:\/\/user:password@host:5432\/database/],
  ['postgres://u:hunter2@h1,h2/d', /names several hosts/],
  ['postgres://u:hunter2@h1:5432,h2:5433/d', /names several hosts/],
  ['postgres://u:hunter2@/d?host=h1,h2', /names several hosts/],
  ['postgres://u:hunter2@h/d?sslMode=require', /has the parameter sslMode, which asks for nothing/],
  ['postgres://u:hunter2@h/d?ssl-mode=require', /has the parameter ssl-mode/],
  ['postgres://u:hunter2@h/d?tls=true', /has the parameter tls/],
  ['postgres://u:hunter2@h/d?sslmode=verify-full&sslmode=disable', /has the parameter sslmode twice/],
  ['postgres://u:hunter2@h/d?sslmode=yes', /has sslmode=yes; known are/],
  ['postgres://u:hunter2@h/d?sslmode=verify-ca&uselibpqcompat=true', /without sslrootcert/],
  ['postgres://u:hunter2@h/d?sslrootcert=/no/such', /has sslrootcert=\/no\/such, which cannot be read \(ENOENT\)/],
  [`postgres://u:hunter2@h/d?sslrootcert=${folder}/nonsense`, /holds no certificate in PEM/],
  ['postgres://u:hunter2@h/d?sslrootcert=system', /leave it out/],
  [`postgres://u:hunter2@h/d?sslcert=${certificates.certificate}`, /need each other/],
];

test.each(FAULTS)('%s is refused with the sentence that applies', (url, sentence) => {
  for (const env of [{ DATABASE_URL: url }, { DATABASE_URL: 'postgres://h/d', DATABASE_DIRECT_URL: url }]) {
    let faults: string[] = [];
    try {
      loadConfig({ APP_SECRET: 'mZ3xQv8Lr1Tn6Yw0Kd5Hs2Pb9Gj4Fc7A', ...env });
    } catch (error) {
      if (error instanceof ConfigError) faults = error.faults;
    }
    expect(faults).toEqual([expect.stringMatching(sentence)]);
    expect(faults[0]).not.toContain('hunter2');
  }
});

test.each([
  ['SMTP_URL', 'smtp://u:hunter2#x@h', /^SMTP_URL holds a #/],
  ['SMTP_URL', 'smtp://u:hunter2%@h', /^SMTP_URL holds a %/],
  ['SMTP_URL', 'smtp://h1,h2', /^SMTP_URL names several hosts/],
  ['REDIS_URL', 'redis://:hunter2#x@h', /^REDIS_URL holds a #/],
  ['REDIS_URL', 'redis://u:12/hunter2@h', /^REDIS_URL holds a \/ or \?/],
  ['REDIS_URL', 'http://h', /^REDIS_URL must be a URL that starts with redis:\/\/ or rediss:\/\//],
])('%s=%s: the same of what else has a password', (name, url, sentence) => {
  expect(() => loadConfig({ [name]: url })).toThrow(
    expect.objectContaining({ faults: [expect.stringMatching(sentence)] }),
  );
});

test.each([
  ['postgres://u:hunter2@db.example.com/d', undefined, /db\.example\.com is reached without TLS/],
  ['postgres://u:hunter2@10.0.0.5:5432/d?sslmode=disable', 'require', /10\.0\.0\.5 is reached without TLS/],
  ['postgres://u:hunter2@localhost/d?host=db.example.com', undefined, /db\.example\.com is reached without TLS/],
  ['postgres://u:hunter2@h/d?ssl=0', undefined, /without TLS/],
  ['postgres://u:hunter2@h/d?sslmode=no-verify', undefined, /Nobody checks the certificate/],
])('%s lays something open', (url, mode, sentence) => {
  expect(databaseInTheClear(url, mode)).toMatch(sentence);
  expect(databaseInTheClear(url, mode)).not.toContain('hunter2');
});

test.each([
  ['postgres://u:p@h/d?sslmode=verify-full', undefined],
  ['postgres://u:p@h/d?ssl=true', undefined],
  ['postgres://u:p@h/d', 'require'],
  ['postgres://u:p@localhost:5432/d', undefined],
  ['postgres://u:p@[::1]:5432/d', undefined],
  ['postgres://u:p@127.0.0.1/d', undefined],
  ['postgres://u:p@/d?host=/run/postgresql', undefined],
])('%s lays nothing open', (url, mode) => expect(databaseInTheClear(url, mode)).toBeNull());
