import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import { TOKEN_LIFE } from '../src/auth/one-time-tokens/one-time-tokens.service.js';
import { loadConfig } from '../src/platform/config/config.js';
import { securityHeaders } from '../src/platform/http/security-headers.js';
import { createLogger } from '../src/platform/observability/logger.js';
import { ACCOUNT, ACCOUNT_AND_ADDRESS, ADDRESS, SITE } from '../src/platform/rate-limiting/guess-rules.js';
import { LimitKeys } from '../src/platform/rate-limiting/limit-keys.js';
import { Quotas } from '../src/platform/rate-limiting/quotas.service.js';
import { REQUEST_LIMIT, SITE_LIMIT, WINDOW } from '../src/platform/rate-limiting/request-rate.js';
import { PUBLISH_AHEAD } from '../src/tokens/signing-keys.service.js';

/** docs/security.md against the code and the tests it names: what is claimed there is so, or this fails. */
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TEXT = readFileSync(`${ROOT}docs/security.md`, 'utf8');
const config = loadConfig({ APP_SECRET: 'only-for-tests-0123456789-abcdefghijklmnop' });

/** The rows of all tables under a heading, head and rule left out. */
function rowsUnder(heading: string): string[][] {
  const [, after = ''] = TEXT.split(`\n${heading}\n`);
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const section = after.split(new RegExp(`^#{1,${level}} `, 'm'))[0] ?? '';
  const lines = section.split('\n').map((line, index, all) => (all[index + 1]?.startsWith('| ---') ? '' : line));
  return lines
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) => line.slice(1, -1).split('|'))
    .map((cells) => cells.map((cell) => cell.trim()));
}

const UNITS: Record<string, number> = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** A table of two columns, every duration in it as milliseconds. */
function numbersUnder(heading: string): Record<string, string> {
  const inMs = (text: string) =>
    text.replace(/(\d+) (s|min|h|d)\b/g, (_, count, unit) => String(Number(count) * (UNITS[unit] ?? Number.NaN)));
  return Object.fromEntries(rowsUnder(heading).map(([what = '', number = '']) => [what, inMs(number)]));
}

const texts = (numbers: Record<string, number | string>) =>
  Object.fromEntries(Object.entries(numbers).map(([what, number]) => [what, String(number)]));

describe('section 2', () => {
  test('every key that is derived stands in section 2, and no other', () => {
    const source = readdirSync(`${ROOT}src`, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
      .map((path) => readFileSync(`${ROOT}src/${path}`, 'utf8'));
    const derived = source.flatMap((text) => [...text.matchAll(/deriveKey\('([^']+)'\)/g)].map(([, name]) => name));
    const told = rowsUnder('## 2. Keys').map(([purpose]) => purpose?.replaceAll('`', ''));
    expect(told.toSorted()).toEqual([...new Set(derived)].toSorted());
  });

  test('a key is published as long before it signs as it says', () => {
    expect(TEXT).toContain(`published ${PUBLISH_AHEAD / 60_000} minutes before it signs`);
  });
});

describe('section 3', () => {
  test('the limits are those of the code', () => {
    const quotas: Record<string, string> = {};
    new Quotas(
      config,
      (name, points, seconds) => {
        quotas[name] = `${points} in ${seconds * 1000}`;
        return {} as RateLimiterAbstract;
      },
      new LimitKeys(config),
    );
    expect(config.rateLimits).toBe(true);
    expect(numbersUnder('### Limits')).toEqual(
      texts({
        'Wrong passwords for an account from one address that cost nothing': ACCOUNT_AND_ADDRESS.free,
        'Pause after them, doubled by each further one': ACCOUNT_AND_ADDRESS.first,
        'Longest such pause': ACCOUNT_AND_ADDRESS.most,
        'Wrong passwords in a row for an account from everywhere': ACCOUNT.free,
        'Wrong passwords from one address over all accounts': `${ADDRESS.free} in ${ADDRESS.forget}`,
        'The same from one IPv6 /48': `${SITE.free} in ${SITE.forget}`,
        'Registrations from one IPv6 /48': quotas['site-registrations'] ?? '',
        'Requests that may mail, from one IPv6 /48': quotas['site-mail-requests'] ?? '',
        'Requests from one IPv6 /48': `${SITE_LIMIT} in ${WINDOW}`,
        'Registrations from one address': quotas.registrations ?? '',
        'Requests that may mail, from one address': quotas['mail-requests'] ?? '',
        'Mails to one address': quotas.mails ?? '',
        'Of these, other mails than those for a new password': quotas['other-mails'] ?? '',
        'Notices of a new device, for an account': quotas['device-notices'] ?? '',
        'Exports of an account': quotas.exports ?? '',
        'Requests from one address': `${REQUEST_LIMIT} in ${WINDOW}`,
        'Password hashes that wait, for each core': config.hashQueue,
        'bcrypt cost': config.bcryptCost,
        'Fewest characters of a password': config.passwordMinLength,
      }),
    );
  });

  test('the lifetimes are those of the code', () => {
    expect(numbersUnder('### Lifetimes')).toEqual(
      texts({
        'Access token': config.accessTokenTtl,
        'Session without use': config.refreshTokenTtl,
        'Session in all': config.sessionMaxAge,
        'A replaced refresh token gets the same successor for': config.refreshGrace,
        'Signing key': config.signing.keyLifetime,
        'Published before it signs': PUBLISH_AHEAD,
        'Link that confirms an address': TOKEN_LIFE.verify_email,
        'Link that resets a password': TOKEN_LIFE.reset_password,
        Invitation: TOKEN_LIFE.invitation,
        'Link that confirms a new address': TOKEN_LIFE.change_email,
        'Link that takes a change of address back': TOKEN_LIFE.undo_email_change,
      }),
    );
  });
});

describe('section 4', () => {
  const rows = rowsUnder('## 4. ASVS 5.0, levels 1 and 2');
  const proofsOf = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, proof = '']) => proof);

  test('a row has an id that no other has, a level, a status and how', () => {
    const STATUSES = ['met', 'partly', 'not met', 'deployment', 'document', 'absent'];
    const faults = rows.filter(
      ([id = '', level = '', status = '', how = '', proof = '', ...rest]) =>
        !/^V\d+\.\d+\.\d+$/.test(id) ||
        !['1', '2'].includes(level) ||
        !STATUSES.includes(status) ||
        !how ||
        !proof ||
        rest.length,
    );
    expect(faults).toEqual([]);
    const ids = rows.map(([id]) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.length).toBeGreaterThan(190);
  });

  test('what is met names its proof, and nothing names one in another form', () => {
    const unproven = rows.filter(([, , status, , proof]) => status === 'met' && proofsOf(proof).length === 0);
    expect(unproven).toEqual([]);
    const odd = rows.filter(([, , , , proof]) => proof !== '–' && proof?.replace(/`[^`]+ › [^`]+`|<br>/g, '') !== '');
    expect(odd).toEqual([]);
  });

  test('every file that is named is there, and has the test that is named', () => {
    const lost = rows.flatMap(([id, , , , cell]) =>
      proofsOf(cell).flatMap((proof) => {
        const [file = '', ...name] = proof.split(' › ');
        const isThere = /^(src|test)\/.+\.spec\.ts$/.test(file) && existsSync(ROOT + file);
        return isThere && namesIn(file).some((text) => text.includes(name.join(' › '))) ? [] : [`${id}: ${proof}`];
      }),
    );
    expect(lost).toEqual([]);
  });

  test('links to other pages lead somewhere', () => {
    const links = [...TEXT.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((path) => !existsSync(`${ROOT}docs/${path}`))).toEqual([]);
  });
});

/** A test that is left out, or one that leaves all others out, proves nothing. */
const LEFT_OUT = /\b(?:it|test|describe)(?:\.\w+)*\.(?:skip|only|todo)\b|\bx(?:it|test|describe)\(/;

/**
 * Every quoted text of a spec that no comment holds: the names of its tests, and the rows of their tables. None where a test
 * is left out.
 */
const namesIn = (file: string): string[] => {
  const text = readFileSync(ROOT + file, 'utf8');
  if (LEFT_OUT.test(text)) return [];
  return text
    .split('\n')
    .filter((line) => !/^\s*(\/\/|\/?\*)/.test(line))
    .flatMap((line) => line.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|^\s+\w+: /g) ?? []);
};

describe('what the table says and no other test reads', () => {
  test('a year of TLS only, and no referrer', async () => {
    const https = await securityHeaders({ publicUrl: 'https://auth.example.com' });
    expect(https['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
    expect(https['referrer-policy']).toBe('no-referrer');
    const plain = await securityHeaders({ publicUrl: 'http://localhost:3000' });
    expect(plain).not.toHaveProperty('strict-transport-security');
  });

  test('a line of the log is one line of JSON with a time in UTC', async () => {
    const lines: string[] = [];
    const logger = await createLogger(
      { log: { level: 'info', format: 'json' } },
      { write: (line) => void lines.push(line) },
    );
    logger.info({ path: '/a\r\n{"level":"error"}\u2028\u001b[31m', token: 'grt_secret' }, 'one %s');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toMatch(/\p{Cc}/u);
    const line = JSON.parse(lines[0] ?? '');
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line).toMatchObject({ level: 'info', msg: 'one %s', token: '[redacted]' });
  });
});
