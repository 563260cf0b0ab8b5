import { Injectable } from '@nestjs/common';
import { Audit } from '../audit/audit.service.js';
import type { Client } from '../common/client.js';
import { Problem } from '../common/problem.js';
import { Database } from '../database/database.js';
import type { Tokens } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.service.js';
import { PasswordHasher } from '../users/passwords/password-hasher.js';
import { toUserView, type UserView } from '../users/user.js';
import { type Credentials, type Identifier, Users } from '../users/users.service.js';

/** How often a sign-in is judged anew where the account changes under it. */
const ATTEMPTS = 3;

/** What a client gets that is signed in. */
export type SignedIn = { user: UserView } & Tokens;

/** Signing in: every method ends in `complete`, so that none forgets the account's state, the audit log or the tokens. */
@Injectable()
export class SignIn {
  constructor(
    private readonly database: Database,
    private readonly users: Users,
    private readonly sessions: Sessions,
    private readonly hasher: PasswordHasher,
    private readonly audit: Audit,
  ) {}

  /** Signs in with a password. Throws a Problem: `invalid_credentials` for any wrong pair, `account_disabled`, `overloaded`. */
  async withPassword(identifier: Identifier, password: string, client: Client): Promise<SignedIn> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await this.users.findCredentials(identifier);
      // A name that nobody has costs the same hash, so that the time does not tell who has an account here.
      const matches = await this.hasher.verify(password, found?.passwordHash ?? null);
      if (!found || !matches) return this.fail('invalid_credentials', found, client);
      if (found.status === 'disabled') return this.fail('account_disabled', found, client);
      const signedIn = await this.complete(found, await this.fresherHash(password, found), ['password'], client);
      if (signedIn) return signedIn;
    }
    throw new Problem('overloaded');
  }

  /**
   * Opens the session of somebody who has proved who they are. Returns null where the account or its password hash has
   * changed since they were read: by an administrator, or by another sign-in that replaced a hash of an older cost.
   */
  private async complete(
    { id, passwordHash }: Credentials,
    newHash: string | null,
    authMethods: string[],
    client: Client,
  ): Promise<SignedIn | null> {
    return this.database.transaction(async (manager) => {
      const user = await this.users.claimForSignIn(id, passwordHash, newHash, manager);
      if (!user) return null;
      const tokens = await this.sessions.open({ ...user, userId: id }, authMethods, client, manager);
      await this.audit.record({ type: 'auth.login', actorId: id, userId: id, client, data: { authMethods } }, manager);
      return { user: toUserView(user), ...tokens };
    });
  }

  private async fail(
    code: 'invalid_credentials' | 'account_disabled',
    found: Credentials | null,
    client: Client,
  ): Promise<never> {
    await this.audit.record({
      type: 'auth.login_failed',
      actorId: null,
      userId: found?.id ?? null,
      client,
      data: { code },
    });
    throw new Problem(code);
  }

  /** A hash to take the place of one that costs less than it should by now. A queue that is full does not stop a sign-in. */
  private async fresherHash(password: string, { passwordHash }: Credentials): Promise<string | null> {
    if (passwordHash === null || !this.hasher.needsRehash(passwordHash)) return null;
    return this.hasher.hash(password).catch(() => null);
  }
}
