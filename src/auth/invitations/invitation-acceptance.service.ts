import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { userActor } from '../../access/actor.js';
import { Audit } from '../../audit/audit.service.js';
import { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import { PasswordPolicy } from '../../credentials/passwords/password-policy.js';
import { Passwords } from '../../credentials/passwords/passwords.service.js';
import { Database } from '../../platform/database/database.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { nameField, passwordField, usernameField } from '../../users/user.js';
import { Users } from '../../users/users.service.js';
import { AccountClaim } from '../email-verification/account-claim.service.js';
import { mailedToken } from '../mailed-link.schemas.js';
import { OneTimeTokens } from '../one-time-tokens/one-time-tokens.service.js';
import { SignIn } from '../sign-in/sign-in.service.js';
import type { Proof, SignInOutcome } from '../sign-in/sign-in-outcome.js';

/** What an invited person chooses. */
export const invitationAcceptance = z
  .strictObject({
    token: mailedToken,
    password: passwordField,
    username: usernameField.nullable().optional(),
    name: nameField.nullable().optional(),
  })
  .meta({ id: 'InvitationAcceptance' });

export type InvitationForm = z.infer<typeof invitationAcceptance>;

/** Taking over an account that an administrator has made. */
@Injectable()
export class InvitationAcceptance {
  constructor(
    private readonly database: Database,
    private readonly users: Users,
    private readonly claim: AccountClaim,
    private readonly passwords: Passwords,
    private readonly policy: PasswordPolicy,
    private readonly hasher: PasswordHasher,
    private readonly tokens: OneTimeTokens,
    private readonly signIn: SignIn,
    private readonly audit: Audit,
  ) {}

  /**
   * Sets the invited person's password and names, confirms the address that the invitation went to, and signs in.
   * Throws a Problem: `invalid_token_link`, `username_taken` or a refused password (the link stays good), `overloaded`; and
   * as `SignIn.complete` where the account changes in the moment between: it is theirs then, but this is no sign-in.
   */
  async accept(form: InvitationForm, context: RequestContext): Promise<SignInOutcome> {
    const { token, password, ...names } = form;
    const owner = await this.tokens.ownerOf(token, 'invitation');
    this.policy.assertAcceptable(password, { ...owner, ...names });
    const passwordHash = await this.hasher.hash(password, { ip: context.ip, known: true });
    const userId = await this.database.transaction(async (manager) => {
      const { userId } = await this.tokens.spend(token, ['invitation'], manager);
      await this.claim.complete(userId, passwordHash, manager);
      await this.users.setNames(userId, names, manager);
      const data = { invited: true };
      await this.audit.record(
        { type: 'user.email_verified', actor: userActor(userId, context), userId, data },
        manager,
      );
      return userId;
    });
    const stillHolds: Proof['stillHolds'] = (manager) => this.passwords.isCurrent(userId, passwordHash, manager);
    return this.signIn.complete({ userId, methods: ['password'], provedAt: new Date(), stillHolds }, context);
  }
}
