import { Body, Controller, Delete, Get, StreamableFile } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, type SessionPrincipal } from '../access/principal.js';
import { SignedIn } from '../access/route-access.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { Context, type RequestContext } from '../platform/http/request-context.js';
import { passwordField } from '../users/user.js';
import { AccountDeletion } from './account-deletion.service.js';
import { AccountExport, accountExport } from './account-export.service.js';

const accountDeletion = z.strictObject({ password: passwordField }).meta({ id: 'AccountDeletion' });

/** What only the owner of an account may do with it. */
@ApiTags('Users')
@SignedIn()
@Controller('v1/users/me')
export class AccountController {
  constructor(
    private readonly exports: AccountExport,
    private readonly deletion: AccountDeletion,
  ) {}

  @Get('export')
  @ApiOperation({ summary: 'Everything that is stored about me', operationId: 'exportMe' })
  @Answers(200, accountExport)
  @Fails('not_found')
  async export(@CurrentUser() user: SessionPrincipal, @Context() context: RequestContext): Promise<StreamableFile> {
    return new StreamableFile(await this.exports.open(user, context), {
      type: 'application/json; charset=utf-8',
      disposition: 'attachment; filename="gatehouse-export.json"',
    });
  }

  @Delete()
  @ApiOperation({ summary: 'Delete the own account and what belongs to it', operationId: 'deleteMe' })
  @Answers(204, null, 'Deleted')
  @Fails('wrong_password', 'last_admin', 'overloaded')
  async delete(
    @CurrentUser() user: SessionPrincipal,
    @Body({ schema: accountDeletion }) { password }: z.infer<typeof accountDeletion>,
    @Context() context: RequestContext,
  ): Promise<void> {
    await this.deletion.delete(user.userId, password, context);
  }
}
