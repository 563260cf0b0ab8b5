import { Module } from '@nestjs/common';
import { PasswordsModule } from '../credentials/passwords/passwords.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { Reauthentication } from './elevation/reauthentication.service.js';
import { EmailChangeController } from './email-change/email-change.controller.js';
import { EmailChange } from './email-change/email-change.service.js';
import { AccountClaim } from './email-verification/account-claim.service.js';
import { EmailVerificationController } from './email-verification/email-verification.controller.js';
import { EmailVerification } from './email-verification/email-verification.service.js';
import { ThrottledMailRequests } from './email-verification/throttled-mail-request.service.js';
import { VerificationMailer } from './email-verification/verification-mailer.service.js';
import { InvitationAcceptance } from './invitations/invitation-acceptance.service.js';
import { InvitationsController } from './invitations/invitations.controller.js';
import { Invitations } from './invitations/invitations.service.js';
import { LogoutController } from './logout/logout.controller.js';
import { Logout } from './logout/logout.service.js';
import { OneTimeTokens } from './one-time-tokens/one-time-tokens.service.js';
import { OneTimeTokenRetention } from './one-time-tokens/retention.js';
import { PasswordController } from './password/password.controller.js';
import { PasswordChange } from './password/password-change.service.js';
import { PasswordReset } from './password/password-reset.service.js';
import { RegistrationController } from './registration/registration.controller.js';
import { Registration } from './registration/registration.service.js';
import { RegistrationRetention } from './registration/retention.js';
import { UnverifiedRegistrations } from './registration/unverified-registrations.service.js';
import { LoginController } from './sign-in/login.controller.js';
import { PasswordSignIn } from './sign-in/password-sign-in.service.js';
import { SecondFactor } from './sign-in/second-factor.js';
import { SignIn } from './sign-in/sign-in.service.js';

/** The flows: how a person gets an account, signs in and out, and changes what they sign in with. */
@Module({
  imports: [PasswordsModule, SessionsModule, UsersModule],
  controllers: [
    RegistrationController,
    LoginController,
    LogoutController,
    EmailVerificationController,
    EmailChangeController,
    PasswordController,
    InvitationsController,
  ],
  providers: [
    AccountClaim,
    VerificationMailer,
    EmailChange,
    EmailVerification,
    RegistrationRetention,
    InvitationAcceptance,
    Invitations,
    Logout,
    OneTimeTokenRetention,
    OneTimeTokens,
    PasswordChange,
    Reauthentication,
    PasswordReset,
    UnverifiedRegistrations,
    Registration,
    ThrottledMailRequests,
    PasswordSignIn,
    SecondFactor,
    SignIn,
  ],
  exports: [VerificationMailer, EmailChange, Invitations, OneTimeTokens, Reauthentication],
})
export class AuthModule {}
