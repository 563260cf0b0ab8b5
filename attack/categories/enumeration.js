import { freshEmail, freshPassword } from '../accounts.js';
import { must, Skipped } from '../outcome.js';

/** @typedef {import('../suite.js').Context} Context */
/** @typedef {import('../target.js').Answer} Answer */

export const category = 'account enumeration';

/**
 * Sign-ins of each kind in a round, and rounds at most. With the guesses of the other attacks they stay below the 100
 * after which an address has to wait.
 */
const SIGN_INS = { tries: 10, rounds: 3 };
/**
 * With those of the other attacks fewer than the mails that an address may ask for in an hour. An even number: what a server
 * does after its answer slows the next one down, and each side must come after the other as often.
 */
const MAILS = { tries: 4, rounds: 2 };
/** Wrong passwords after which a right one is given: the next would wait where guesses are limited. */
const GUESSES = 4;
/** Medians further apart than this can be told apart over a network. */
const RATIO = 1.25;
/**
 * The share of pairs of neighbouring answers in which the same side must be the slower one. Where both sides do the same
 * work it is even odds, however busy the machine: for 27 of 30 pairs less than one in 100 000.
 */
const STABLE = 0.9;
/** Headers that differ from answer to answer. */
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
    throw new Skipped(
      'Sign-up answers 409 email_taken, which tells who has an account. EMAIL_VERIFICATION=required stops that.',
    );
  }
  const email = freshEmail();
  const free = await ask(email);
  if (free.status === 201) made(email, password);
  mustBeAlike(taken, free);
}

/** Status, headers and body, but for what is each answer's own. @param {Answer} known @param {Answer} unknown */
function mustBeAlike(known, unknown) {
  if (known.status === 404) throw new Skipped(`There is no ${known.route} here.`);
  must(
    known.status === unknown.status,
    `${known.route}: ${known.status} for a known address, ${unknown.status} for an unknown one.`,
  );
  const [one, two] = [known, unknown].map(({ headers }) =>
    [...headers.keys()].filter((name) => !EACH_ITS_OWN.test(name)),
  );
  must(String(one) === String(two), `${known.route} sends other headers for a known address.`);
  const [first, second] = [known, unknown].map(({ body }) => JSON.stringify({ ...body, requestId: undefined }));
  must(first === second, `${known.route} answers a known address with another body.`);
}

/** @param {Context} context */
async function timeOfSignIn({ target, bob }) {
  const login = (/** @type {string} */ email, password = freshPassword()) =>
    timed(() => target.call('POST', '/v1/auth/login', { body: { email, password }, limited: true }));
  let guesses = 0;
  await compareTimes('Sign-in', bob.email, SIGN_INS, async (email) => {
    if (email === bob.email && guesses++ % GUESSES === 0) await login(email, bob.password);
    return login(email);
  });
}

/** @param {Context} context */
async function timeOfForgottenPassword({ target, bob }) {
  await compareTimes('A forgotten password', bob.email, MAILS, (email) =>
    timed(() => target.call('POST', '/v1/auth/password/forgot', { body: { email }, limited: true })),
  );
}

/**
 * Milliseconds until the answer. Throws Skipped where there is no such route or a limit has answered.
 * @param {() => Promise<Answer>} send
 */
async function timed(send) {
  const before = performance.now();
  const { status, route } = await send();
  if (status === 429) throw new Skipped(`Rate limited at ${route} before there were enough times to compare.`);
  if (status === 404) throw new Skipped(`There is no ${route} here.`);
  return performance.now() - before;
}

/**
 * Asks for a known and for unknown names in turns. A round that shows no difference ends it; throws Vulnerable where the
 * medians of all rounds differ and the same side was the slower one in nearly every pair.
 * @param {string} what @param {string} knownName
 * @param {{ tries: number, rounds: number }} extent
 * @param {(email: string) => Promise<number>} ask Answers how long it took, milliseconds.
 */
async function compareTimes(what, knownName, { tries, rounds }, ask) {
  const ratios = [];
  /** @type {boolean[]} */
  const isSlowerInPair = [];
  while (ratios.length < rounds) {
    /** @type {number[]} */
    const known = [];
    /** @type {number[]} */
    const unknown = [];
    for (let index = 0; index < tries; index++) {
      // Each as often first as second: what the machine does besides must not meet one side alone.
      if (index % 2 === 0) known.push(await ask(knownName));
      unknown.push(await ask(freshEmail()));
      if (index % 2 === 1) known.push(await ask(knownName));
      isSlowerInPair.push(Number(known[index]) > Number(unknown[index]));
    }
    ratios.push(median(known) / median(unknown));
    const slower = isSlowerInPair.filter(Boolean).length / isSlowerInPair.length;
    const tells =
      (ratios.every((ratio) => ratio > RATIO) && slower >= STABLE) ||
      (ratios.every((ratio) => ratio < 1 / RATIO) && slower <= 1 - STABLE);
    if (!tells) return;
  }
  const told = ratios.map((ratio) => ratio.toFixed(2)).join(', ');
  must(false, `${what} of a known name takes ${told} times as long as of an unknown one.`);
}

/** @param {number[]} [values] */
function median(values = []) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

export const attacks = {
  'told by sign-in': login,
  'told by a forgotten password': forgottenPassword,
  'told by sign-up': signUp,
  'told by the time of sign-in': timeOfSignIn,
  'told by the time of a forgotten password': timeOfForgottenPassword,
};
