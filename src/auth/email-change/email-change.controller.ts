import { Body, Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, type SessionPrincipal } from '../../access/principal.js';
import { Public, SignedIn } from '../../access/route-access.js';
import { type Message, messageView } from '../../platform/http/message.js';
import { Answers, Fails } from '../../platform/http/openapi.js';
import { Context, type RequestContext } from '../../platform/http/request-context.js';
import { emailField, passwordField } from '../../users/user.js';
import { type MailedLink, mailedLink } from '../mailed-link.schemas.js';
import { EmailChange } from './email-change.service.js';

const emailChange = z.strictObject({ email: emailField, password: passwordField }).meta({ id: 'EmailChange' });

/** Moving the own account to another address, and taking that back. */
@Controller('v1')
export class EmailChangeController {
  constructor(private readonly emailChange: EmailChange) {}

  @SignedIn()
  @Post('users/me/email')
  @ApiTags('Users')
  @ApiOperation({ summary: 'Ask for another email address; it counts once confirmed', operationId: 'changeEmail' })
  @Answers(202, messageView)
  @Fails('wrong_password', 'mail_unavailable', 'overloaded')
  async request(
    @CurrentUser() user: SessionPrincipal,
    @Body({ schema: emailChange }) { email, password }: z.infer<typeof emailChange>,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.emailChange.request(user.userId, email, password, context);
    return { message: 'A mail is on its way to the new address. Follow its link to confirm it.' };
  }

  @Public()
  @Post('auth/email/undo')
  @ApiTags('Auth')
  @ApiOperation({ summary: 'Take back a change of the email address', operationId: 'undoEmailChange' })
  @Answers(200, messageView)
  @Fails('invalid_token_link', 'email_taken')
  async undo(
    @Body({ schema: mailedLink }) { token }: MailedLink,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.emailChange.undo(token, context);
    return { message: 'Your email address is back. A mail with a link to choose a new password is on its way.' };
  }
}
