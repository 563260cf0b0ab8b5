import { freshPassword } from '../accounts.js';
import { must, Skipped, Vulnerable } from '../outcome.js';

/** @typedef {import('../suite.js').Context} Context */

export const category = 'brute force';

/** More wrong passwords in a row than a server should let anyone try. */
const GUESSES = 12;
const SPOOFS = 6;

/** @param {Context} context @param {Record<string, string>} [headers] */
const guess = ({ target, bob }, headers) =>
  target.call('POST', '/v1/auth/login', {
    body: { email: bob.email, password: freshPassword() },
    headers,
    limited: true,
  });

/** Guesses until it is stopped. @param {Context} context */
async function untilStopped(context) {
  if (context.limitsOff) throw new Skipped('Its limits are said to be off.');
  for (let count = 0; count < GUESSES; count++) {
    const answer = await guess(context);
    if (answer.status === 429) return answer;
  }
  throw new Vulnerable(
    `${GUESSES} wrong passwords in a row were all read: guessing has no end. Set RATE_LIMITS=on, or say --limits-off.`,
  );
}

/** @param {Context} context */
async function limit(context) {
  const { headers } = await untilStopped(context);
  must(Number(headers.get('retry-after')) > 0, 'A 429 does not say in Retry-After when to come again.');
}

/** @param {Context} context */
async function spoofing(context) {
  await untilStopped(context);
  for (let index = 1; index <= SPOOFS; index++) {
    const address = `198.51.100.${index}`;
    for (const headers of [
      { 'x-forwarded-for': address },
      { 'x-real-ip': address, 'x-client-ip': address, 'true-client-ip': address, 'cf-connecting-ip': address },
      { forwarded: `for=${address}` },
    ]) {
      const { status } = await guess(context, /** @type {any} */ (headers));
      // The pause may have ended meanwhile; then the guess is one more wrong one, and the pause begins anew.
      if (status !== 429 && (await guess(context, /** @type {any} */ (headers))).status !== 429) {
        throw new Vulnerable(`${Object.keys(headers)[0]} buys new guesses: TRUSTED_PROXIES trusts the sender.`);
      }
    }
  }
}

export const attacks = {
  'many wrong passwords': limit,
  'pretending to come from elsewhere': spoofing,
};
