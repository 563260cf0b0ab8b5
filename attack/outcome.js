/** How one attack ended. @typedef {'held' | 'vulnerable' | 'skipped'} Outcome */

/** The attack got what it must not get. The message says what, and never holds a token or a password. */
export class Vulnerable extends Error {}

/** The attack could not be made, so it proves nothing. The message is the reason. */
export class Skipped extends Error {}

/**
 * Throws Vulnerable unless an answer is a refusal. An answer of a route that is not there is no refusal of the attack.
 * @param {import('./target.js').Answer} answer
 * @param {string} what What was sent, for the report.
 * @param {number[]} refusals The statuses that refuse.
 */
export function mustRefuse(answer, what, refusals = [400, 401, 403]) {
  if (refusals.includes(answer.status)) return;
  if (answer.status === 404 || answer.status === 405) throw new Skipped(`There is no ${answer.route} here.`);
  throw new Vulnerable(`${what}: ${answer.route} answered ${answer.status}.`);
}

/**
 * Throws Vulnerable with the message unless the condition holds.
 * @param {unknown} condition
 * @param {string} message
 * @returns {asserts condition}
 */
export function must(condition, message) {
  if (!condition) throw new Vulnerable(message);
}
