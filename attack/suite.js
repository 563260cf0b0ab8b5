import * as browsers from './families/browsers.js';
import * as endedSessions from './families/ended-sessions.js';
import * as enumeration from './families/enumeration.js';
import * as forgedTokens from './families/forged-tokens.js';
import * as guessing from './families/guessing.js';
import * as objects from './families/objects.js';
import * as refresh from './families/refresh.js';
import * as rights from './families/rights.js';
import * as substitution from './families/substitution.js';
import { Broken, NotTried } from './outcome.js';

/**
 * What every attack has to work with.
 * @typedef {{
 *   target: import('./target.js').Target,
 *   alice: import('./accounts.js').Account,
 *   bob: import('./accounts.js').Account,
 *   limitsOff: boolean,
 *   made: (email: string, password: string) => void,
 * }} Context `made` is told of an account that an attack has registered, so that it is removed.
 * @typedef {(context: Context) => Promise<unknown>} Attack Resolves where the server held; throws Broken or NotTried.
 * @typedef {{ family: string, name: string, outcome: import('./outcome.js').Outcome, detail: string | null }} Result
 */

/** Those that use up wrong passwords stand last: what they leave is a pause for the account. */
const FAMILIES = [forgedTokens, substitution, refresh, endedSessions, rights, objects, browsers, enumeration, guessing];

/**
 * Makes every attack, one after the other, and tells each result as it comes.
 * @param {Context} context
 * @param {AbortSignal} signal Makes no further attack once it is aborted.
 * @param {(result: Result) => void} tell
 */
export async function attackAll(context, signal, tell) {
  for (const { family, attacks } of FAMILIES) {
    for (const [name, attack] of Object.entries(/** @type {Record<string, Attack>} */ (attacks))) {
      if (signal.aborted) return;
      tell({ family, name, ...(await outcomeOf(attack, context)) });
    }
  }
}

/** @param {Attack} attack @param {Context} context @returns {Promise<Pick<Result, 'outcome' | 'detail'>>} */
async function outcomeOf(attack, context) {
  try {
    await attack(context);
    return { outcome: 'held', detail: null };
  } catch (error) {
    if (error instanceof Broken) return { outcome: 'broken', detail: error.message };
    if (error instanceof NotTried) return { outcome: 'not tried', detail: error.message };
    throw error;
  }
}
