import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type HashTurn, PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import { Passwords } from '../../credentials/passwords/passwords.service.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { LoginThrottle } from '../../platform/rate-limiting/login-throttle.service.js';
import { TrustedNetworks } from '../../platform/rate-limiting/trusted-networks.js';
import { type Identifier, nameKey, Users } from '../../users/users.service.js';
import { SignIn } from './sign-in.service.js';
import type { Proof, SignInOutcome } from './sign-in-outcome.js';

/** How often a password is checked, at most, where the account gets another hash under the sign-in. */
const ATTEMPTS = 3;

/** The hash that was checked is no longer the one: of another password, or of the same by a sign-in beside this one. */
class HashReplaced extends Error {}

/** Signing in with a password. */
@Injectable()
export class PasswordSignIn {
  constructor(
    private readonly users: Users,
    private readonly passwords: Passwords,
    private readonly hasher: PasswordHasher,
    private readonly guesses: LoginThrottle,
    private readonly signIn: SignIn,
    private readonly networks: TrustedNetworks,
  ) {}

  /**
   * Signs in. Throws a Problem: `invalid_credentials` for any wrong pair, `account_disabled`, `email_not_verified`,
   * `rate_limited`, `overloaded`.
   */
  async withPassword(identifier: Identifier, password: string, context: RequestContext): Promise<SignInOutcome> {
    // Before the database is asked whose name it is: a flood of refused guesses ends here.
    this.guesses.assertNotBlocked(context, nameKey(identifier));
    // Whether they are known to the account, and have a place kept, is not known before the account is.
    this.hasher.assertCapacity({ ip: context.ip, known: true });
    for (let attempt = 1; ; attempt++) {
      const proof = await this.prove(identifier, password, context, attempt === ATTEMPTS);
      try {
        return await this.signIn.complete(proof, context);
      } catch (error) {
        if (!(error instanceof HashReplaced)) throw error;
      }
    }
  }

  private async prove(
    identifier: Identifier,
    password: string,
    context: RequestContext,
    isLast: boolean,
  ): Promise<Proof> {
    const found = await this.users.findCredentials(identifier);
    const turn = await this.turnOf(found?.id ?? null, context);
    // A name that nobody has costs the same hash, so that the time does not tell who has an account here.
    const matches = await this.guesses.check({ accountId: found?.id ?? null, name: nameKey(identifier) }, context, () =>
      this.hasher.verify(password, found?.passwordHash ?? null, turn),
    );
    if (!found?.passwordHash || !matches) return this.signIn.refuse('invalid_credentials', found?.id ?? null, context);
    const { id: userId, passwordHash } = found;
    // A disabled account is about to be refused, so nothing would keep the hash.
    const freshHash = found.status === 'active' ? await this.freshHash(password, passwordHash, turn) : null;
    return {
      userId,
      methods: ['password'],
      provedAt: new Date(),
      stillHolds: async (manager) => {
        if (await this.isCurrent(userId, passwordHash, freshHash, manager)) return true;
        if (!isLast) throw new HashReplaced();
        // Under the lock nothing changes any more. Not the first time: it keeps a connection for as long as a hash takes.
        const hash = await this.passwords.hashOf(userId, manager);
        return hash !== null && this.hasher.verify(password, hash, turn);
      },
    };
  }

  /** Asked of a name that nobody has too, and only where it decides something. */
  private async turnOf(userId: string | null, { ip }: RequestContext): Promise<HashTurn> {
    return { ip, known: this.hasher.isBusy && (await this.networks.has(userId, ip)) };
  }

  private isCurrent(
    userId: string,
    checkedHash: string,
    freshHash: string | null,
    manager: EntityManager,
  ): Promise<boolean> {
    return freshHash === null
      ? this.passwords.isCurrent(userId, checkedHash, manager)
      : this.passwords.rehash(userId, checkedHash, freshHash, manager);
  }

  /** A hash to take the place of one of another cost than ours. A queue that is full does not stop a sign-in. */
  private async freshHash(password: string, hash: string, turn: HashTurn): Promise<string | null> {
    if (!this.hasher.needsRehash(hash, password)) return null;
    return this.hasher.hash(password, turn).catch(() => null);
  }
}
