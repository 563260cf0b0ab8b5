import { z } from 'zod';
import type { SessionPrincipal } from '../access/principal.js';

/** What a token says of itself. */
export const whoAmIView = z
  .strictObject({
    user: z.strictObject({ id: z.uuid(), username: z.string().nullable(), roles: z.array(z.string()) }),
    session: z.strictObject({ id: z.uuid() }),
    expiresAt: z.iso.datetime().meta({ description: 'When the access token expires' }),
  })
  .meta({ id: 'WhoAmI' });

/** A token answers the same as long as it lives, so what it answers lives as long as its principal is remembered. */
const answers = new WeakMap<SessionPrincipal, z.infer<typeof whoAmIView>>();

/** What a token says of itself, for the client that holds it. */
export function whoAmI(principal: SessionPrincipal): z.infer<typeof whoAmIView> {
  const known = answers.get(principal);
  if (known) return known;
  const { userId, username, roles, sessionId, expiresAt } = principal;
  const answer = {
    user: { id: userId, username, roles: [...roles] },
    session: { id: sessionId },
    expiresAt: new Date(expiresAt).toISOString(),
  };
  answers.set(principal, answer);
  return answer;
}
