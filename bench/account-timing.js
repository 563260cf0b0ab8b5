// Whether the time of an answer tells who has an account (ASVS 5.0, 6.3.8): node bench/account-timing.js [tries]
// Each figure is the median for the address named first, as a ratio to that of an unknown address asked in turns with it.
// Ends with 1 where a ratio is not within 10 %. Run it on a machine that does nothing else.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { median } from './support/statistics.js';
import { anyAddress, startGatehouse } from './support/throw-away.js';

const TRIES = Number(process.argv[2] ?? 100);
const BAR = 1.1;
const PASSWORD = 'violet tractor under snow';
/** Quick hashes, as brought along from other software: the missing work is counted for the one, clocked for the other. */
const IMPORTED = {
  bcrypt: '$2a$04$3bwiVO4jXsaAJQXrsyStK.HIh8KpgAIsKP1ZH2aTRAfEIlsRTSlny',
  pbkdf2: 'pbkdf2_sha256$1000$saltsalt$qfA4YnLnA1BRZkAxkXSL6884MYVl7l6/jGU2FE4UST4=',
};
const freshEmail = () => `p${randomBytes(8).toString('hex')}@example.com`;

const gatehouse = await startGatehouse({
  EMAIL_VERIFICATION: 'required',
  RATE_LIMITS: 'off',
  TRUSTED_PROXIES: 'loopback',
  PUBLIC_URL: 'http://gatehouse.test',
  BCRYPT_COST: '8',
});
const client = new pg.Client({ connectionString: gatehouse.databaseUrl });

/** Sends a request and answers how long it took, ms. @param {string} path @param {object} body */
async function timed(path, body) {
  const before = performance.now();
  const response = await fetch(gatehouse.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': anyAddress() },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return performance.now() - before;
}

/** Registers an account and changes it by SQL. @param {string} change */
async function account(change) {
  const email = freshEmail();
  await timed('/v1/auth/register', { email, password: PASSWORD });
  await client.query(`UPDATE users SET ${change} WHERE email = $1`, [email]);
  return email;
}

/** @param {string} what @param {string} path @param {string} known @param {object} [rest] */
async function compare(what, path, known, rest = {}) {
  /** @type {number[]} */
  const first = [];
  /** @type {number[]} */
  const second = [];
  for (let index = 0; index < TRIES; index++) {
    if (index % 2 === 0) first.push(await timed(path, { email: known, ...rest }));
    second.push(await timed(path, { email: freshEmail(), ...rest }));
    if (index % 2 === 1) first.push(await timed(path, { email: known, ...rest }));
  }
  const ratio = median(first) / median(second);
  const holds = ratio < BAR && ratio > 1 / BAR;
  process.stdout.write(
    `${what.padEnd(36)} ${median(first).toFixed(1)} ms, unknown ${median(second).toFixed(1)} ms, ratio ${ratio.toFixed(3)}${holds ? '' : ' BEYOND THE BAR'}\n`,
  );
  if (!holds) process.exitCode = 1;
}

try {
  await client.connect();
  const active = await account('email_verified_at = now()');
  const unverified = await account('email_verified_at = NULL');
  const wrong = { password: 'a wrong password' };
  await compare('sign-in, wrong password', '/v1/auth/login', active, wrong);
  await compare('sign-in, disabled', '/v1/auth/login', await account(`status = 'disabled'`), wrong);
  for (const [kind, hash] of Object.entries(IMPORTED)) {
    const email = await account(`email_verified_at = now(), password_hash = '${hash}'`);
    await compare(`sign-in, imported ${kind}`, '/v1/auth/login', email, wrong);
  }
  await compare('forgotten password', '/v1/auth/password/forgot', active);
  await compare('another confirmation mail', '/v1/auth/email/resend', unverified);
  await compare('registration of a taken address', '/v1/auth/register', active, { password: PASSWORD });
} finally {
  await client.end();
  await gatehouse.stop();
}
