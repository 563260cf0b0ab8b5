/** Specs stand beside the source; everything that needs a server stands in test/ and speaks HTTP to the built one. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'] },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  testSequencer: '<rootDir>/test/support/slowest-first.js',
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  // Most of the suite waits for servers and clocks: three workers keep two cores busy, more only get in each other's way.
  maxWorkers: 3,
  // For what hangs: a machine that is busy with other things may take its time.
  testTimeout: 240_000,
};
