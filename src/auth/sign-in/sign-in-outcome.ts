import type { EntityManager } from 'typeorm';
import { Problem } from '../../platform/http/problem.js';
import type { Tokens } from '../../sessions/session.js';
import type { UserView } from '../../users/user.js';

/** That a person is this user, as a way to sign in has found out. */
export interface Proof {
  userId: string;
  /** By what it was proved, as the session keeps it. */
  methods: string[];
  provedAt: Date;
  /** Whether it is still true. Asked once, in the transaction that opens the session and has locked the user's row. */
  stillHolds(manager: EntityManager): Promise<boolean>;
}

/** What a signed-in client gets. */
type SignedIn = { user: UserView } & Tokens;

/** The proof was right and is not enough: one of these methods has to prove the same, for this token. */
export interface Challenge {
  kind: 'challenge';
  mfaToken: string;
  methods: string[];
  /** Seconds until the token is worth nothing. */
  expiresIn: number;
}

/** How a sign-in ends that is not refused. */
export type SignInOutcome = ({ kind: 'signed_in' } & SignedIn) | Challenge;

/** What a route answers. Throws a Problem `mfa_required` for a challenge, which holds what the client needs to meet it. */
export function signedInOf(outcome: SignInOutcome): SignedIn {
  const { kind, ...rest } = outcome;
  if (kind === 'challenge') throw new Problem('mfa_required', { members: rest });
  return rest as SignedIn;
}
