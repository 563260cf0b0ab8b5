import { freshEmail, freshPassword } from '../accounts.js';
import { must, NotTried } from '../outcome.js';

/** @typedef {import('../suite.js').Context} Context */
/** @typedef {import('../target.js').Answer} Answer */

export const family = 'who has an account';

/** Tries of each kind in a round. A busy machine may spoil a round, either way; a difference in the work spoils all alike. */
const TRIES = 20;
const ROUNDS = 5;
/** Medians further apart than this tell who has an account over a network, given patience. */
const RATIO = 1.25;
/** Headers that differ from answer to answer whoever asks. */
const EACH_ITS_OWN = /^(date|x-request-id|content-length|ratelimit.*|retry-after)$/;

/** @param {Context} context */
async function login({ target, bob }) {
  const guess = (/** @type {string} */ email) =>
    target.call('POST', '/v1/auth/login', { body: { email, password: freshPassword() } });
  mustBeAlike(await guess(bob.email), await guess(freshEmail()));
}

/** @param {Context} context */
async function forgottenPassword({ target, bob }) {
  const ask = (/** @type {string} */ email) => target.call('POST', '/v1/auth/password/forgot', { body: { email } });
  mustBeAlike(await ask(bob.email), await ask(freshEmail()));
}

/** @param {Context} context */
async function signUp({ target, bob, made }) {
  const password = freshPassword();
  const ask = (/** @type {string} */ email) => target.call('POST', '/v1/auth/register', { body: { email, password } });
  const taken = await ask(bob.email);
  if (taken.status === 409) {
    throw new NotTried(
      'Sign-up says 409 email_taken: whoever asks learns who has an account. EMAIL_VERIFICATION=required stops that.',
    );
  }
  const email = freshEmail();
  const free = await ask(email);
  if (free.status === 201) made(email, password);
  mustBeAlike(taken, free);
}

/** Status, headers and body, but for what is each answer's own. @param {Answer} known @param {Answer} unknown */
function mustBeAlike(known, unknown) {
  if (known.status === 404) throw new NotTried(`There is no ${known.route} here.`);
  must(
    known.status === unknown.status,
    `${known.route}: ${known.status} for who has an account, else ${unknown.status}.`,
  );
  const [one, two] = [known, unknown].map(({ headers }) =>
    [...headers.keys()].filter((name) => !EACH_ITS_OWN.test(name)),
  );
  must(String(one) === String(two), `${known.route} sends other headers to who has an account.`);
  const [first, second] = [known, unknown].map(({ body }) => JSON.stringify({ ...body, requestId: undefined }));
  must(first === second, `${known.route} answers who has an account with another body.`);
}

/** @param {Context} context */
async function time({ target, bob }) {
  const guess = async (/** @type {string} */ email) => {
    const before = performance.now();
    const answer = await target.call('POST', '/v1/auth/login', {
      body: { email, password: freshPassword() },
      limited: true,
    });
    if (answer.status === 429)
      throw new NotTried('Rate limited after a few wrong passwords: too few to compare times.');
    return performance.now() - before;
  };
  const ratios = [];
  while (ratios.length < ROUNDS) {
    /** @type {number[][]} */
    const [known, unknown] = [[], []];
    for (let round = 0; round < TRIES; round++) {
      known?.push(await guess(bob.email));
      unknown?.push(await guess(freshEmail()));
    }
    ratios.push(median(known) / median(unknown));
    const isSlower = ratios.every((ratio) => ratio > RATIO);
    const isFaster = ratios.every((ratio) => ratio < 1 / RATIO);
    if (!isSlower && !isFaster) return;
  }
  must(
    false,
    `Sign-in of a known name takes ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')} times as long as of an unknown one.`,
  );
}

/** @param {number[]} [values] */
function median(values = []) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

export const attacks = {
  'told by sign-in': login,
  'told by a forgotten password': forgottenPassword,
  'told by sign-up': signUp,
  'told by the time of sign-in': time,
};
