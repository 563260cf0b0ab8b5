import { Body, Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public, RateLimit } from '../../access/route-access.js';
import { type Message, messageView } from '../../platform/http/message.js';
import { Answers, Fails } from '../../platform/http/openapi.js';
import { Context, type RequestContext } from '../../platform/http/request-context.js';
import { type MailedLink, type MailRequest, mailedLink, mailRequest } from '../mailed-link.schemas.js';
import { EmailVerification } from './email-verification.service.js';

/** Confirming an address, and asking for the mail that does it. */
@ApiTags('Auth')
@Public()
@Controller('v1/auth/email')
export class EmailVerificationController {
  constructor(private readonly verification: EmailVerification) {}

  @Post('verify')
  @ApiOperation({ summary: 'Confirm an email address', operationId: 'verifyEmail' })
  @Answers(200, messageView)
  @Fails('invalid_token_link', 'email_taken')
  async verify(
    @Body({ schema: mailedLink }) { token }: MailedLink,
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

  @RateLimit('mail-request')
  @Post('resend')
  @ApiOperation({ summary: 'Mail the link to confirm an address once more', operationId: 'resendVerification' })
  @Answers(202, messageView, 'The message, the same whether or not an account has the address')
  @Fails('mail_unavailable', 'overloaded')
  async resend(
    @Body({ schema: mailRequest }) { email }: MailRequest,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.verification.resend(email, context);
    return { message: 'If this address waits to be confirmed, a mail is on its way.' };
  }
}
