import fc from 'fast-check';
import { TOPOLOGIES, type Topology } from './world.js';

/** What clients do, by how often. */
const ACTIONS = {
  check: 8,
  refresh: 6,
  refreshTwice: 2,
  signInAgain: 2,
  logout: 2,
  logoutAll: 1,
  changeRoles: 3,
  shutOut: 1,
  disable: 1,
} as const;

export type Action = keyof typeof ACTIONS;

const FAULTS = ['swallow', 'refuse', 'reset', 'pause', 'restart', 'terminate', 'killInstance', 'failover'] as const;

export type FaultKind = (typeof FAULTS)[number];

/** An action and the instance that is asked; a client does them over and over until all faults are past. */
export interface Step {
  action: Action;
  instance: 0 | 1;
}

export interface PlannedFault {
  kind: FaultKind;
  /** The instance that it befalls, where it befalls one. */
  instance: 0 | 1;
  /** Milliseconds: around the 5 s after which a list is not trusted any more. */
  hold: number;
}

export interface Plan {
  topology: Topology;
  clients: Step[][];
  faults: PlannedFault[];
}

const CLIENTS = 6;
const STEPS = 16;

const instance = fc.constantFrom(0 as const, 1 as const);
const action = fc.oneof(
  ...Object.entries(ACTIONS).map(([name, weight]) => ({ arbitrary: fc.constant(name as Action), weight })),
);
const clients = fc.array(fc.array(fc.record<Step>({ action, instance }), { minLength: STEPS, maxLength: STEPS }), {
  minLength: CLIENTS,
  maxLength: CLIENTS,
});
const fault = (kinds: readonly FaultKind[], hold: fc.Arbitrary<number>) =>
  fc.record<PlannedFault>({ kind: fc.constantFrom(...kinds), instance, hold });

/** Three faults of a kind each, short enough for every run of the tests. */
export const shortPlan = fc.record<Plan>({
  topology: fc.constant('notify'),
  clients,
  faults: fc.tuple(
    fault(['terminate', 'restart', 'reset'], fc.integer({ min: 500, max: 1_500 })),
    fault(['swallow', 'pause'], fc.integer({ min: 5_500, max: 6_500 })),
    fault(['failover'], fc.integer({ min: 500, max: 1_000 })),
  ),
});

/** Any topology, any faults in any order. */
export const anyPlan = fc.record<Plan>({
  topology: fc.constantFrom(...TOPOLOGIES),
  clients,
  faults: fc.array(fault(FAULTS, fc.integer({ min: 200, max: 9_000 })), { minLength: 3, maxLength: 8 }),
});
