import { Body, Controller, Delete, Get, Header, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, type Principal } from '../access/principal.js';
import { SignedIn } from '../access/route-access.js';
import { EmailChange } from '../auth/email-change/email-change.service.js';
import { PasswordChange } from '../auth/password/password-change.service.js';
import { type Message, messageView } from '../platform/http/message.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { Context, type RequestContext } from '../platform/http/request-context.js';
import { type Tokens, tokensView } from '../sessions/session.js';
import { DeliversTokens } from '../sessions/token-delivery.js';
import { emailField, passwordField } from '../users/user.js';
import { AccountDeletion } from './account-deletion.service.js';
import { AccountExport, accountExport } from './account-export.service.js';

const passwordChange = z
  .strictObject({ currentPassword: passwordField, newPassword: passwordField })
  .meta({ id: 'PasswordChange' });

const emailChange = z.strictObject({ email: emailField, password: passwordField }).meta({ id: 'EmailChange' });

const accountDeletion = z.strictObject({ password: passwordField }).meta({ id: 'AccountDeletion' });

/** What only the owner of an account may do with it. */
@ApiTags('Users')
@SignedIn()
@Controller('v1/users/me')
export class AccountController {
  constructor(
    private readonly passwords: PasswordChange,
    private readonly emails: EmailChange,
    private readonly exports: AccountExport,
    private readonly deletion: AccountDeletion,
  ) {}

  @Post('password')
  @DeliversTokens()
  @ApiOperation({ summary: 'Change the own password; ends every other session', operationId: 'changePassword' })
  @Answers(200, tokensView, 'Fresh tokens of this session; its refresh token of before is void')
  @Fails('wrong_password', 'password_too_common', 'email_not_verified', 'overloaded')
  changePassword(
    @CurrentUser() user: Principal,
    @Body({ schema: passwordChange }) passwords: z.infer<typeof passwordChange>,
    @Context() context: RequestContext,
  ): Promise<Tokens> {
    return this.passwords.change(user, passwords, context);
  }

  @Post('email')
  @ApiOperation({ summary: 'Ask for another email address; it counts once confirmed', operationId: 'changeEmail' })
  @Answers(202, messageView)
  @Fails('wrong_password', 'mail_unavailable', 'overloaded')
  async changeEmail(
    @CurrentUser() user: Principal,
    @Body({ schema: emailChange }) { email, password }: z.infer<typeof emailChange>,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.emails.request(user.userId, email, password, context);
    return { message: 'A mail is on its way to the new address. Follow its link to confirm it.' };
  }

  @Get('export')
  @Header('Content-Disposition', 'attachment; filename="gatehouse-export.json"')
  @ApiOperation({ summary: 'Everything that is stored about me', operationId: 'exportMe' })
  @Answers(200, accountExport)
  export(@CurrentUser() user: Principal, @Context() context: RequestContext) {
    return this.exports.of(user.userId, context);
  }

  @Delete()
  @ApiOperation({ summary: 'Delete the own account and what belongs to it', operationId: 'deleteMe' })
  @Answers(204, null, 'Deleted')
  @Fails('wrong_password', 'last_admin', 'overloaded')
  async delete(
    @CurrentUser() user: Principal,
    @Body({ schema: accountDeletion }) { password }: z.infer<typeof accountDeletion>,
    @Context() context: RequestContext,
  ): Promise<void> {
    await this.deletion.delete(user.userId, password, context);
  }
}
