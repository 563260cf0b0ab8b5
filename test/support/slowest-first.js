import Sequencer from '@jest/test-sequencer';

/** The dearest files, dearest first: one of them that is begun last holds up the end of a run all by itself. */
const DEAREST = [
  'test/faults/histories.spec.ts',
  'test/start.spec.ts',
  'test/attack-suite.spec.ts',
  'test/mail-delivery.spec.ts',
  'test/cli.spec.ts',
  'test/browser/states.spec.ts',
  'test/refresh.spec.ts',
  'test/users-import.spec.ts',
  'test/database-down.spec.ts',
  'test/browser/accessibility.spec.ts',
  'test/signing-keys.spec.ts',
  'test/limits/guessing.spec.ts',
  'test/faults/failover.spec.ts',
  'test/fuzz/fuzz.spec.ts',
  'src/platform/database/embedded/embedded-postgres.spec.ts',
  'test/memory.spec.ts',
  'test/browser/journeys.spec.ts',
  'test/browser/administration.spec.ts',
  'test/audit-chain.spec.ts',
];

/** Its types describe the CommonJS form alone, which hides the class behind another `default`. */
const Base = /** @type {typeof Sequencer.default} */ (/** @type {unknown} */ (Sequencer));

/** Begins with what takes longest, also on a machine that has never run the tests and knows no durations. */
export default class SlowestFirst extends Base {
  /**
   * @override
   * @param {import('@jest/test-result').Test[]} tests
   */
  async sort(tests) {
    const place = (/** @type {import('@jest/test-result').Test} */ { path }) => {
      const at = DEAREST.findIndex((name) => path.endsWith(name));
      return at < 0 ? DEAREST.length : at;
    };
    return [...(await super.sort(tests))].sort((one, other) => place(one) - place(other));
  }
}
