import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { AuthController } from './auth.controller.js';
import { EmailVerification } from './email-verification.service.js';
import { InvitationAcceptance } from './invitation-acceptance.service.js';
import { Logout } from './logout.service.js';
import { MailedLinksController } from './mailed-links.controller.js';
import { PasswordReset } from './password-reset.service.js';
import { PendingRegistrations } from './pending-registrations.service.js';
import { Registration } from './registration.service.js';
import { RequestedMail } from './requested-mail.service.js';
import { SignIn } from './sign-in.service.js';

/** The flows: how somebody becomes signed in, stays so, and ends it. */
@Module({
  imports: [SessionsModule, UsersModule],
  controllers: [AuthController, MailedLinksController],
  providers: [
    EmailVerification,
    InvitationAcceptance,
    Logout,
    PasswordReset,
    PendingRegistrations,
    Registration,
    RequestedMail,
    SignIn,
  ],
})
export class AuthModule {}
