import { Body, Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Public } from '../../access/route-access.js';
import { Answers, Fails } from '../../platform/http/openapi.js';
import { Context, type RequestContext } from '../../platform/http/request-context.js';
import { DeliversTokens } from '../../sessions/token-delivery.js';
import { signedIn } from '../sign-in/sign-in.schemas.js';
import { signedInOf } from '../sign-in/sign-in-outcome.js';
import { InvitationAcceptance, type InvitationForm, invitationAcceptance } from './invitation-acceptance.service.js';

/** Taking over an account that was made for one. */
@ApiTags('Auth')
@Controller('v1/auth/invitations')
export class InvitationsController {
  constructor(private readonly acceptance: InvitationAcceptance) {}

  @Public()
  @Post('accept')
  @DeliversTokens()
  @ApiOperation({ summary: 'Take over the account that one was invited to', operationId: 'acceptInvitation' })
  @Answers(200, signedIn)
  @Fails(
    'invalid_token_link',
    'invalid_credentials',
    'account_disabled',
    'username_taken',
    'password_too_common',
    'overloaded',
  )
  async accept(
    @Body({ schema: invitationAcceptance }) form: InvitationForm,
    @Context() context: RequestContext,
  ): Promise<z.infer<typeof signedIn>> {
    return { message: 'Login successful', ...signedInOf(await this.acceptance.accept(form, context)) };
  }
}
