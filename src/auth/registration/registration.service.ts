import { Inject, Injectable } from '@nestjs/common';
import { Audit } from '../../audit/audit.service.js';
import { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import { PasswordPolicy } from '../../credentials/passwords/password-policy.js';
import type { Config } from '../../platform/config/config.js';
import { CONFIG } from '../../platform/config/config.module.js';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/http/problem.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { Quotas } from '../../platform/rate-limiting/quotas.service.js';
import { Sessions } from '../../sessions/sessions.service.js';
import { emailKeyOf } from '../../users/email.js';
import { toUserView } from '../../users/user.js';
import { Users } from '../../users/users.service.js';
import { VerificationMailer } from '../email-verification/verification-mailer.service.js';
import type { SignedIn } from '../sign-in/sign-in.service.js';
import type { RegistrationForm } from './registration.schemas.js';
import { UnverifiedRegistrations } from './unverified-registrations.service.js';

/** Signing up. */
@Injectable()
export class Registration {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly users: Users,
    private readonly sessions: Sessions,
    private readonly hasher: PasswordHasher,
    private readonly policy: PasswordPolicy,
    private readonly pending: UnverifiedRegistrations,
    private readonly proof: VerificationMailer,
    private readonly audit: Audit,
    private readonly quotas: Quotas,
  ) {}

  /**
   * Makes an account and signs it in. Where the email must be confirmed first it returns null, whether the email is taken
   * or not, and a mail says the rest. Throws a Problem: `signup_closed`, `email_taken`, `username_taken`, a refused
   * password, `rate_limited`.
   */
  async register(form: RegistrationForm, context: RequestContext): Promise<SignedIn | null> {
    if (this.config.signup === 'closed') throw new Problem('signup_closed');
    this.policy.assertAcceptable(form.password, form);
    this.hasher.assertCapacity(context.ip);
    await this.quotas.register(context);
    const passwordHash = await this.hasher.hash(form.password, context.ip);
    if (this.config.requiresVerifiedEmail) {
      await this.pending.register(form, passwordHash, context);
      return null;
    }
    // An address that is taken gets no mail, so none is counted.
    const isFree = (await this.users.findCredentials({ email: form.email })) === null;
    const mayMail = isFree && (await this.quotas.mayMail(emailKeyOf(form.email), 'anything else'));
    return this.database.transaction(async (manager) => {
      const user = await this.users.create({ ...form, passwordHash, roles: ['user'] }, manager);
      const { id, email } = user;
      const holder = { userId: id, email, emailKey: emailKeyOf(email), duplicateRegistration: false };
      const tokens = await this.sessions.open({ ...user, userId: id }, ['password'], context, manager);
      if (mayMail) await this.proof.send(holder, context, manager);
      await this.audit.record({ type: 'auth.registered', actorId: id, userId: id, context }, manager);
      return { user: toUserView(user), ...tokens };
    });
  }
}
