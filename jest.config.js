/**
 * Four lanes, each a project, so that a failing test says which one it is in. A spec is found by its place and its name:
 * - unit     src/ and web/src/, beside the code; no Postgres, no server, no build
 * - http     test/ and src/ (*.db.spec.ts); a real Postgres, and the built server over HTTP
 * - browser  test/browser/; the built page in Chromium
 * - slow     the list below
 */

/** What takes more than 20 s on a quiet machine, or starts processes of its own over and over. */
const SLOW = [
  'src/credentials/passwords/password-threads.spec.ts',
  'src/platform/database/embedded/**/*.spec.ts',
  'src/platform/rate-limiting/guess-store.db.spec.ts',
  'test/faults/*.spec.ts',
  'test/fuzz/**/*.spec.ts',
  'test/account-states.spec.ts',
  'test/attack-suite.spec.ts',
  'test/attacks/unread-answers.spec.ts',
  'test/account-export.spec.ts',
  'test/audit-chain.spec.ts',
  'test/audit-setback.spec.ts',
  'test/bounds/ends.spec.ts',
  'test/bounds/many-rows.spec.ts',
  'test/cli.spec.ts',
  'test/clocks.spec.ts',
  'test/database-down.spec.ts',
  'test/database-url.spec.ts',
  'test/draining.spec.ts',
  'test/image.spec.ts',
  'test/limits/guessing.spec.ts',
  'test/limits/shedding.spec.ts',
  'test/mail-delivery.spec.ts',
  'test/memory.spec.ts',
  'test/pooler.spec.ts',
  'test/refresh.spec.ts',
  'test/revocation.spec.ts',
  'test/signing-keys.spec.ts',
  'test/start.spec.ts',
  'test/users-import.spec.ts',
];
const BROWSER = 'test/browser/**/*.spec.ts';
const WITH_DATABASE = 'src/**/*.db.spec.ts';

const specs = (/** @type {string[]} */ globs, /** @type {string[]} */ except = []) => [
  ...globs.map((glob) => `<rootDir>/${glob}`),
  ...except.map((glob) => `!**/${glob}`),
];

const typescript = (/** @type {object} */ parser, /** @type {object} */ transform) => [
  '@swc/jest',
  { jsc: { target: 'es2022', parser: { syntax: 'typescript', ...parser }, transform }, module: { type: 'es6' } },
];

const everyLane = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.tsx', '$1.js'],
    '^@gatehouse/client$': '<rootDir>/client/src/index.ts',
  },
  transform: {
    '^.+\\.ts$': typescript({ decorators: true }, { legacyDecorator: true, decoratorMetadata: true }),
    '^.+\\.tsx$': typescript({ tsx: true }, { react: { runtime: 'automatic' } }),
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  setupFilesAfterEnv: ['<rootDir>/test/support/timeouts.ts'],
};

const withServers = {
  ...everyLane,
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
};

/** Starts many processes or a browser in a single test or hook: five times the usual, for a machine that is busy. */
const LONGER = {
  setupFilesAfterEnv: [...everyLane.setupFilesAfterEnv, '<rootDir>/test/support/longer-timeout.ts'],
};

export default {
  projects: [
    {
      ...everyLane,
      displayName: { name: 'unit', color: 'cyan' },
      testMatch: specs(['src/**/*.spec.ts', 'web/src/**/*.spec.{ts,tsx}'], [WITH_DATABASE, ...SLOW]),
    },
    {
      ...withServers,
      displayName: { name: 'http', color: 'green' },
      testMatch: specs(['test/**/*.spec.ts', WITH_DATABASE], [BROWSER, ...SLOW]),
    },
    {
      ...withServers,
      ...LONGER,
      displayName: { name: 'browser', color: 'magenta' },
      testMatch: specs([BROWSER]),
    },
    {
      ...withServers,
      ...LONGER,
      displayName: { name: 'slow', color: 'yellow' },
      testMatch: specs(SLOW),
    },
  ],
  testSequencer: '<rootDir>/test/support/slowest-first.js',
  // Most of the suite waits for servers and clocks: three workers keep two cores busy, more only get in each other's way.
  maxWorkers: 3,
  testTimeout: 20_000,
};
