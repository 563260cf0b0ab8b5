import { jest } from '@jest/globals';
import { LOAD } from './load.js';

/** Milliseconds for a test, on a quiet machine. */
const TEST_TIMEOUT = 20_000;
/** What starts servers, browsers and databases may take longer. Jest knows one timeout for both, so hooks name theirs here. */
const HOOK_TIMEOUT = 90_000;

jest.setTimeout(TEST_TIMEOUT * LOAD);

for (const name of ['beforeAll', 'afterAll', 'beforeEach', 'afterEach'] as const) {
  const hook = globalThis[name];
  globalThis[name] = (work, timeout = HOOK_TIMEOUT * LOAD) => hook(work, timeout);
}
