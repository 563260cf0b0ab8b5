import { Body, Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Public } from '../access/route-access.js';
import { type Message, messageView } from '../platform/http/message.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { Context, type RequestContext } from '../platform/http/request-context.js';
import { DeliversTokens } from '../sessions/token-delivery.js';
import * as schema from './auth.schemas.js';
import { EmailChange } from './email-change/email-change.service.js';
import { EmailVerification } from './email-verification/email-verification.service.js';
import { InvitationAcceptance } from './invitations/invitation-acceptance.service.js';
import { PasswordReset } from './password/password-reset.service.js';

type Link = z.infer<typeof schema.mailedLink>;
type Request = z.infer<typeof schema.mailRequest>;

/** Asking for mails, and what their links do. */
@ApiTags('Auth')
@Public()
@Controller('v1/auth')
export class MailedLinksController {
  constructor(
    private readonly verification: EmailVerification,
    private readonly emailChange: EmailChange,
    private readonly passwordReset: PasswordReset,
    private readonly invitations: InvitationAcceptance,
  ) {}

  @Post('email/verify')
  @ApiOperation({ summary: 'Confirm an email address', operationId: 'verifyEmail' })
  @Answers(200, messageView)
  @Fails('invalid_token_link', 'email_taken')
  async verify(
    @Body({ schema: schema.mailedLink }) { token }: Link,
    @Context() context: RequestContext,
  ): Promise<Message> {
    const { choosePassword } = await this.verification.verify(token, context);
    return {
      message: choosePassword
        ? 'Your email address is confirmed. It was registered more than once, so no password chosen then works: a mail ' +
          'with a link to choose yours is on its way.'
        : 'Your email address is confirmed.',
    };
  }

  @Post('email/resend')
  @ApiOperation({ summary: 'Mail the link to confirm an address once more', operationId: 'resendVerification' })
  @Answers(202, messageView, 'Whoever has the address')
  @Fails('mail_unavailable')
  async resend(
    @Body({ schema: schema.mailRequest }) { email }: Request,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.verification.resend(email, context);
    return { message: 'If this address waits to be confirmed, a mail is on its way.' };
  }

  @Post('email/undo')
  @ApiOperation({ summary: 'Take back a change of the email address', operationId: 'undoEmailChange' })
  @Answers(200, messageView)
  @Fails('invalid_token_link', 'email_taken')
  async undo(
    @Body({ schema: schema.mailedLink }) { token }: Link,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.emailChange.undo(token, context);
    return { message: 'Your email address is back. A mail with a link to choose a new password is on its way.' };
  }

  @Post('password/forgot')
  @ApiOperation({ summary: 'Mail a link to choose a new password', operationId: 'forgotPassword' })
  @Answers(202, messageView, 'Whoever has the address')
  @Fails('mail_unavailable')
  async forgot(
    @Body({ schema: schema.mailRequest }) { email }: Request,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.passwordReset.request(email, context);
    return { message: 'If this address has an account, a mail is on its way.' };
  }

  @Post('password/reset')
  @ApiOperation({
    summary: 'Choose a new password with a mailed link; ends every session',
    operationId: 'resetPassword',
  })
  @Answers(200, messageView)
  @Fails('invalid_token_link', 'password_too_common', 'overloaded')
  async reset(
    @Body({ schema: schema.passwordReset }) { token, password }: z.infer<typeof schema.passwordReset>,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.passwordReset.reset(token, password, context);
    return { message: 'Your password is changed. Sign in with the new one.' };
  }

  @Post('invitations/accept')
  @DeliversTokens()
  @ApiOperation({ summary: 'Take over the account that one was invited to', operationId: 'acceptInvitation' })
  @Answers(200, schema.signedIn)
  @Fails('invalid_token_link', 'invalid_credentials', 'username_taken', 'password_too_common', 'overloaded')
  async accept(
    @Body({ schema: schema.invitationAcceptance }) form: z.infer<typeof schema.invitationAcceptance>,
    @Context() context: RequestContext,
  ): Promise<z.infer<typeof schema.signedIn>> {
    return { message: 'Login successful', ...(await this.invitations.accept(form, context)) };
  }
}
