import { TestEnvironment } from 'jest-environment-jsdom';

/**
 * A page without a browser. jsdom has no fetch, and Node's fetch accepts no signals but Node's. Every request goes to the
 * function that `serve` of server.ts sets.
 */
export default class PageEnvironment extends TestEnvironment {
  /** @override */
  async setup() {
    await super.setup();
    const { global } = this;
    Object.assign(global, { Request, Response, Headers, AbortController, AbortSignal });
    global.fetch = async (input, init) => global.answer(new Request(input, init));
  }
}
