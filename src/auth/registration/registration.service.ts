import { Inject, Injectable } from '@nestjs/common';
import { USER } from '../../access/permissions.js';
import { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import { PasswordPolicy } from '../../credentials/passwords/password-policy.js';
import type { Config } from '../../platform/config/config.js';
import { CONFIG } from '../../platform/config/config.module.js';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/http/problem.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { Quotas } from '../../platform/rate-limiting/quotas.service.js';
import { emailKeyOf } from '../../users/email.js';
import { Users } from '../../users/users.service.js';
import { VerificationMailer } from '../email-verification/verification-mailer.service.js';
import { SignIn } from '../sign-in/sign-in.service.js';
import type { SignInOutcome } from '../sign-in/sign-in-outcome.js';
import type { RegistrationForm } from './registration.schemas.js';
import { UnverifiedRegistrations } from './unverified-registrations.service.js';

/** Signing up. */
@Injectable()
export class Registration {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly users: Users,
    private readonly signIn: SignIn,
    private readonly hasher: PasswordHasher,
    private readonly policy: PasswordPolicy,
    private readonly unverified: UnverifiedRegistrations,
    private readonly mailer: VerificationMailer,
    private readonly quotas: Quotas,
  ) {}

  /**
   * Makes an account and signs it in. Where the email must be confirmed first it returns null, whether the email is taken
   * or not, and a mail says the rest. Throws a Problem: `signup_closed`, `email_taken`, `username_taken`, a refused
   * password, `rate_limited`, `overloaded`.
   */
  async register(form: RegistrationForm, context: RequestContext): Promise<SignInOutcome | null> {
    if (this.config.signup === 'closed') throw new Problem('signup_closed');
    this.policy.assertAcceptable(form.password, form);
    this.hasher.assertCapacity({ ip: context.ip, known: false });
    await this.quotas.register(context);
    const passwordHash = await this.hasher.hash(form.password, { ip: context.ip, known: false });
    if (this.config.requiresVerifiedEmail) {
      const { email, username, name } = form;
      await this.unverified.register({ email, username, name, passwordHash, context });
      return null;
    }
    // An address that is taken gets no mail, so none is counted.
    const isFree = (await this.users.findCredentials({ email: form.email })) === null;
    const mayMail = isFree && (await this.quotas.mayMail(emailKeyOf(form.email), 'anything else', null));
    return this.database.transaction(async (manager) => {
      const { id: userId, email } = await this.users.create({ ...form, passwordHash, roles: [USER] }, manager);
      const account = { userId, email, emailKey: emailKeyOf(email), duplicateRegistration: false };
      if (mayMail) await this.mailer.send(account, context, manager);
      // Nobody else sees the account before this transaction ends, so nothing of it can have changed.
      const proof = { userId, methods: ['password'], provedAt: new Date(), stillHolds: async () => true };
      return this.signIn.completeRegistration(proof, context, manager);
    });
  }
}
