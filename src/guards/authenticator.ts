import type { FastifyRequest } from 'fastify';
import type { Principal } from '../access/principal.js';

/** The list of authenticators of the application, in the order in which they are asked. */
export const AUTHENTICATORS = Symbol('AUTHENTICATORS');

/** Takes bearer tokens of one kind. */
export interface Authenticator {
  /** Whether a token is of this kind, by its look alone. It is then for this authenticator to take or refuse. */
  recognizes(token: string): boolean;

  /**
   * Who is calling. At once, without a promise, where the token is remembered. Throws a Problem, or rejects with one, where
   * it is refused.
   */
  authenticate(token: string, request: FastifyRequest): Principal | Promise<Principal>;
}
