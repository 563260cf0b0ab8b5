import fc from 'fast-check';
import { LOAD } from '../support/load.js';
import { anyPlan, type Plan, shortPlan } from './plan.js';
import { liveThrough } from './run.js';

/**
 * Clients that do what clients do, while one thing after another breaks. With FAULTS_MINUTES every fault in every topology
 * for so long; else one plan of three. FAULTS_SEED repeats the plans of a run; what runs at the same time is never quite the
 * same again.
 */
const MINUTES = Number(process.env.FAULTS_MINUTES ?? 0);
const SEED = Number(process.env.FAULTS_SEED ?? (MINUTES > 0 ? Date.now() % 2 ** 31 : 1));
/** Milliseconds that one plan may take. */
const ONE = 200_000 * LOAD;

/** The plan, which the seed makes again, takes so many lines that what was broken is lost among them. */
function showOnlyTheError({ errorInstance }: fc.RunDetails<[one: Plan]>): void {
  if (errorInstance) throw errorInstance;
}

const liveThroughOne = (plan: fc.Arbitrary<Plan>, seed: number) =>
  fc.assert(
    fc.asyncProperty(plan, async (one) => {
      const { topology } = one;
      expect({ seed, topology, broken: await liveThrough(one) }).toEqual({ seed, topology, broken: [] });
    }),
    { seed, numRuns: 1, endOnFailure: true, reporter: showOnlyTheError },
  );

test(
  'through every fault what was ended stays ended, nobody is signed out, and nothing acknowledged is missing',
  async () => {
    const end = Date.now() + MINUTES * 60_000;
    if (MINUTES === 0) return liveThroughOne(shortPlan, SEED);
    for (let seed = SEED; Date.now() < end; seed++) await liveThroughOne(anyPlan, seed);
  },
  MINUTES * 60_000 + ONE,
);
