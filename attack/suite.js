import * as browsers from './categories/browsers.js';
import * as endedSessions from './categories/ended-sessions.js';
import * as enumeration from './categories/enumeration.js';
import * as forgedTokens from './categories/forged-tokens.js';
import * as guessing from './categories/guessing.js';
import * as objects from './categories/objects.js';
import * as refresh from './categories/refresh.js';
import * as rights from './categories/rights.js';
import * as substitution from './categories/substitution.js';
import { Skipped, Vulnerable } from './outcome.js';

/**
 * What every attack has to work with.
 * @typedef {{
 *   target: import('./target.js').Target,
 *   alice: import('./accounts.js').Account,
 *   bob: import('./accounts.js').Account,
 *   limitsOff: boolean,
 *   made: (email: string, password: string) => void,
 * }} Context `made` is told of an account that an attack has registered, so that it is removed.
 * @typedef {(context: Context) => Promise<unknown>} Attack Resolves where the server held; throws Vulnerable or Skipped.
 * @typedef {{ category: string, name: string, outcome: import('./outcome.js').Outcome, detail: string | null }} Result
 */

/** Those that use up wrong passwords stand last: what they leave is a pause for the account. */
const CATEGORIES = [
  forgedTokens,
  substitution,
  refresh,
  endedSessions,
  rights,
  objects,
  browsers,
  enumeration,
  guessing,
];

/**
 * Makes every attack, one after the other, and tells each result as it comes.
 * @param {Context} context
 * @param {AbortSignal} signal Makes no further attack once it is aborted.
 * @param {(result: Result) => void} tell
 */
export async function attackAll(context, signal, tell) {
  for (const { category, attacks } of CATEGORIES) {
    for (const [name, attack] of Object.entries(/** @type {Record<string, Attack>} */ (attacks))) {
      if (signal.aborted) return;
      tell({ category, name, ...(await outcomeOf(attack, context)) });
    }
  }
}

/** @param {Attack} attack @param {Context} context @returns {Promise<Pick<Result, 'outcome' | 'detail'>>} */
async function outcomeOf(attack, context) {
  try {
    await attack(context);
    return { outcome: 'held', detail: null };
  } catch (error) {
    if (error instanceof Vulnerable) return { outcome: 'vulnerable', detail: error.message };
    if (error instanceof Skipped) return { outcome: 'skipped', detail: error.message };
    throw error;
  }
}
