import { Body, Controller, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { actorOf } from '../../access/actor.js';
import { type AuthenticatedRequest, CurrentUser, type SessionPrincipal } from '../../access/principal.js';
import { OptionallySignedIn, SignedIn } from '../../access/route-access.js';
import { type Message, messageView } from '../../platform/http/message.js';
import { Answers, Fails } from '../../platform/http/openapi.js';
import { Context, type RequestContext } from '../../platform/http/request-context.js';
import { refreshTokenField, revokedCount } from '../../sessions/session.js';
import { Sessions } from '../../sessions/sessions.service.js';
import { EndsCookie } from '../../sessions/token-delivery.js';
import { Logout } from './logout.service.js';

const logout = z
  .strictObject({ refreshToken: refreshTokenField })
  .optional()
  .meta({ id: 'Logout', description: 'The refresh token, where the access token has expired and there is no cookie' });

const logoutAll = z
  .strictObject({ keepCurrent: z.boolean().default(false) })
  .optional()
  .meta({ id: 'LogoutAll' });

/** Signing out, of this device or of all. */
@ApiTags('Auth')
@Controller('v1/auth')
export class LogoutController {
  constructor(
    private readonly signOut: Logout,
    private readonly sessions: Sessions,
  ) {}

  @OptionallySignedIn()
  @Post('logout')
  @EndsCookie()
  @ApiOperation({ summary: 'End this session', operationId: 'logout' })
  @ApiBody({ required: false })
  @Answers(200, messageView)
  @Fails('invalid_refresh_token')
  async logout(
    @Req() request: AuthenticatedRequest,
    @Body({ schema: logout }) body: z.infer<typeof logout>,
    @Context() context: RequestContext,
  ): Promise<Message> {
    await this.signOut.end(request, body?.refreshToken, context);
    return { message: 'Logged out successfully' };
  }

  @SignedIn()
  @Post('logout-all')
  @ApiOperation({ summary: 'End every session of the own account', operationId: 'logoutAll' })
  @ApiBody({ required: false })
  @Answers(200, revokedCount)
  async logoutAll(
    @CurrentUser() user: SessionPrincipal,
    @Body({ schema: logoutAll }) body: z.infer<typeof logoutAll>,
    @Context() context: RequestContext,
  ): Promise<z.infer<typeof revokedCount>> {
    const keep = body?.keepCurrent ? user.sessionId : null;
    return {
      revoked: await this.sessions.endAll(user.userId, keep, { type: 'auth.logout', actor: actorOf(user, context) }),
    };
  }
}
