import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Audit } from '../../audit/audit.service.js';
import { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import { PasswordPolicy } from '../../credentials/passwords/password-policy.js';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/http/problem.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { Accounts } from '../../users/accounts.service.js';
import { nameField, passwordField, usernameField } from '../../users/user.js';
import { AccountClaim } from '../email-verification/account-claim.service.js';
import { mailedToken } from '../mailed-link.schemas.js';
import { OneTimeTokens } from '../one-time-tokens/one-time-tokens.service.js';
import { type SignedIn, SignIn } from '../sign-in/sign-in.service.js';

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

/** Taking over an account that somebody else made. */
@Injectable()
export class InvitationAcceptance {
  constructor(
    private readonly database: Database,
    private readonly accounts: Accounts,
    private readonly handover: AccountClaim,
    private readonly policy: PasswordPolicy,
    private readonly hasher: PasswordHasher,
    private readonly tokens: OneTimeTokens,
    private readonly signIn: SignIn,
    private readonly audit: Audit,
  ) {}

  /**
   * Sets the invited person's password and names, confirms the address that the invitation went to, and signs in.
   * Throws a Problem: `invalid_token_link`, `username_taken` or a refused password (the link stays good), `overloaded`.
   */
  async accept(form: InvitationForm, context: RequestContext): Promise<SignedIn> {
    const { token, password, ...names } = form;
    const owner = await this.tokens.ownerOf(token, 'invitation');
    this.policy.assertAcceptable(password, { ...owner, ...names });
    const passwordHash = await this.hasher.hash(password, context.ip);
    const id = await this.database.transaction(async (manager) => {
      const { userId } = await this.tokens.spend(token, ['invitation'], manager);
      await this.handover.complete(userId, passwordHash, manager);
      await this.accounts.setNames(userId, names, manager);
      const data = { invited: true };
      await this.audit.record({ type: 'user.email_verified', actorId: userId, userId, context, data }, manager);
      return userId;
    });
    const signedIn = await this.signIn.complete({ id, passwordHash }, null, ['password'], context);
    // Disabled, or given another password, in the moment between: the account is theirs, but this is no sign-in.
    if (!signedIn) throw new Problem('invalid_credentials');
    return signedIn;
  }
}
