import { Injectable } from '@nestjs/common';
import { userActor } from '../../access/actor.js';
import { Audit } from '../../audit/audit.service.js';
import { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import { Problem } from '../../platform/http/problem.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { LoginThrottle } from '../../platform/rate-limiting/login-throttle.service.js';
import { Users } from '../../users/users.service.js';

/** Asks a signed-in person for the password once more: a token alone does not change who owns an account. */
@Injectable()
export class Reauthentication {
  constructor(
    private readonly users: Users,
    private readonly hasher: PasswordHasher,
    private readonly guesses: LoginThrottle,
    private readonly audit: Audit,
  ) {}

  /**
   * Returns the hash that the password fits, for a statement that acts only while it is still the one.
   * A wrong one counts like a wrong one at sign-in, and stands in the audit log. Throws a Problem: `wrong_password`,
   * `session_revoked` where the account is gone or disabled, `rate_limited`, `overloaded`.
   */
  async verify(userId: string, password: string, context: RequestContext): Promise<string> {
    const found = await this.users.credentialsOf(userId);
    if (found?.status !== 'active') throw new Problem('session_revoked');
    const hash = found.passwordHash;
    const matches = await this.guesses.check({ accountId: userId, name: '' }, context, () =>
      this.hasher.verify(password, hash, { ip: context.ip, known: true }),
    );
    if (hash !== null && matches) return hash;
    const data = { code: 'wrong_password' };
    await this.audit.record({ type: 'auth.login_failed', actor: userActor(userId, context), userId, data });
    throw new Problem('wrong_password');
  }
}
