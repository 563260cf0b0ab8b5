/**
 * What starts servers, browsers and databases may take a minute and a half, for a machine that is busy with something else;
 * a test itself may not. Jest knows one timeout for both, so hooks name theirs here.
 */
const HOOK_TIMEOUT = 90_000;

for (const name of ['beforeAll', 'afterAll', 'beforeEach', 'afterEach'] as const) {
  const hook = globalThis[name];
  globalThis[name] = (work, timeout = HOOK_TIMEOUT) => hook(work, timeout);
}
