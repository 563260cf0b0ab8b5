import { waitFor } from './wait-for.js';

/**
 * Asks again where the server is too busy to answer, as one is on a machine that runs other tests beside: the answer that is not
 * 503. For requests whose refusal leaves nothing behind, and tests of something else than load. Throws where it stays busy.
 */
export function served<Answer extends { status: number }>(ask: () => Promise<Answer>): Promise<Answer> {
  return waitFor(ask, { until: ({ status }) => status !== 503 }) as Promise<Answer>;
}
