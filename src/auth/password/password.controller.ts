import { Body, Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, type SessionPrincipal } from '../../access/principal.js';
import { Public, RateLimit, SignedIn } from '../../access/route-access.js';
import { type Message, messageView } from '../../platform/http/message.js';
import { Answers, Fails } from '../../platform/http/openapi.js';
import { Context, type RequestContext } from '../../platform/http/request-context.js';
import { type Tokens, tokensView } from '../../sessions/session.js';
import { DeliversTokens } from '../../sessions/token-delivery.js';
import { passwordField } from '../../users/user.js';
import { type MailRequest, mailedToken, mailRequest } from '../mailed-link.schemas.js';
import { PasswordChange } from './password-change.service.js';
import { PasswordReset } from './password-reset.service.js';

const passwordChange = z
  .strictObject({
    currentPassword: passwordField,
    newPassword: passwordField.meta({ examples: ['violet tractor under snow'] }),
  })
  .meta({ id: 'PasswordChange' });

const passwordReset = z.strictObject({ token: mailedToken, password: passwordField }).meta({ id: 'PasswordReset' });

/** Choosing another password: signed in, or by a mailed link. */
@Controller('v1')
export class PasswordController {
  constructor(
    private readonly passwordChange: PasswordChange,
    private readonly passwordReset: PasswordReset,
  ) {}

  @SignedIn()
  @Post('users/me/password')
  @DeliversTokens()
  @ApiTags('Users')
  @ApiOperation({ summary: 'Change the own password; ends every other session', operationId: 'changePassword' })
  @Answers(200, tokensView, 'Fresh tokens of this session; those of before are void')
  @Fails('wrong_password', 'password_too_common', 'email_not_verified', 'overloaded')
  change(
    @CurrentUser() user: SessionPrincipal,
    @Body({ schema: passwordChange }) passwords: z.infer<typeof passwordChange>,
    @Context() context: RequestContext,
  ): Promise<Tokens> {
    return this.passwordChange.change(user, passwords, context);
  }

  @Public()
  @RateLimit('mail-request')
  @Post('auth/password/forgot')
  @ApiTags('Auth')
  @ApiOperation({ summary: 'Mail a link to choose a new password', operationId: 'forgotPassword' })
  @Answers(202, messageView, 'The message, the same whether or not an account has the address')
  @Fails('mail_unavailable', 'overloaded')
  async forgot(
    @Body({ schema: mailRequest }) { email }: MailRequest,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.passwordReset.request(email, context);
    return { message: 'If this address has an account, a mail is on its way.' };
  }

  @Public()
  @Post('auth/password/reset')
  @ApiTags('Auth')
  @ApiOperation({
    summary: 'Choose a new password with a mailed link; ends every session',
    operationId: 'resetPassword',
  })
  @Answers(200, messageView)
  @Fails('invalid_token_link', 'password_too_common', 'overloaded')
  async reset(
    @Body({ schema: passwordReset }) { token, password }: z.infer<typeof passwordReset>,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.passwordReset.reset(token, password, context);
    return { message: 'Your password is changed. Sign in with the new one.' };
  }
}
