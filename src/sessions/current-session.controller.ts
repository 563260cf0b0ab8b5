import { Body, Controller, Get, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { AuthenticatedRequest } from '../access/principal.js';
import { Public, SignedIn } from '../access/route-access.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { Problem } from '../platform/http/problem.js';
import { Context, type RequestContext } from '../platform/http/request-context.js';
import { IdempotencyKey, TakesIdempotencyKey } from './idempotency-key.js';
import { Rotation } from './rotation.service.js';
import { refreshTokenField, type Tokens, tokensView } from './session.js';
import { RefreshesCookie } from './token-delivery.js';
import { whoAmI, whoAmIView } from './who-am-i.js';

const refresh = z
  .strictObject({ refreshToken: refreshTokenField })
  .optional()
  .meta({ id: 'Refresh', description: 'The refresh token, unless it is in the cookie' });

/** The session that a token belongs to: staying signed in, and who one is. */
@ApiTags('Auth')
@Controller('v1/auth')
export class CurrentSessionController {
  constructor(private readonly rotation: Rotation) {}

  @Public()
  @Post('refresh')
  @RefreshesCookie()
  @TakesIdempotencyKey()
  @ApiOperation({ summary: 'Exchange a refresh token for new tokens', operationId: 'refresh' })
  @ApiBody({ required: false })
  @Answers(200, tokensView)
  @Fails('invalid_refresh_token', 'refresh_reused', 'session_revoked', 'session_expired', 'email_not_verified')
  async refresh(
    @Body({ schema: refresh }) body: z.infer<typeof refresh>,
    @IdempotencyKey() key: string | null,
    @Context() context: RequestContext,
  ): Promise<Tokens> {
    const token = body?.refreshToken;
    if (token === undefined) throw Problem.field('/refreshToken', 'Send the refresh token, here or in its cookie.');
    return this.rotation.refresh(token, key, context);
  }

  @SignedIn()
  @Get('session')
  @ApiOperation({ summary: 'Who am I, from the token alone', operationId: 'getSession' })
  @Answers(200, whoAmIView)
  // The request itself and not @CurrentUser(): a parameter that a pipe could change costs three promises a request.
  session(@Req() { user }: AuthenticatedRequest): z.infer<typeof whoAmIView> {
    if (!user) throw new Problem('unauthorized');
    return whoAmI(user);
  }
}
