import { Body, Controller, Get, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { type AuthenticatedRequest, CurrentUser, type Principal } from '../access/principal.js';
import { OptionallySignedIn, Public, SignedIn } from '../access/route-access.js';
import { type Message, messageView } from '../platform/http/message.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { Problem } from '../platform/http/problem.js';
import { Context, type RequestContext } from '../platform/http/request-context.js';
import { Rotation } from '../sessions/rotation.service.js';
import { revokedCount, type Tokens, tokensView } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.service.js';
import { DeliversTokens, EndsCookie, RefreshesCookie } from '../sessions/token-delivery.js';
import * as schema from './auth.schemas.js';
import { Logout } from './logout/logout.service.js';
import { Registration } from './registration/registration.service.js';
import { SignIn } from './sign-in/sign-in.service.js';
import { whoAmI } from './who-am-i.js';

/** Sign up, sign in, stay signed in, sign out. */
@ApiTags('Auth')
@Controller('v1/auth')
export class AuthController {
  constructor(
    private readonly registration: Registration,
    private readonly signIn: SignIn,
    private readonly signOut: Logout,
    private readonly sessions: Sessions,
    private readonly rotation: Rotation,
  ) {}

  @Public()
  @Post('register')
  @DeliversTokens()
  @ApiOperation({ summary: 'Make an account and sign in', operationId: 'register' })
  @Answers(201, schema.signedUp, 'The account and its first tokens')
  @ApiResponse({
    status: 202,
    description: 'Where EMAIL_VERIFICATION=required: a mail says the rest, whether the email is taken or not',
    standardSchema: messageView as never,
  })
  @Fails('signup_closed', 'email_taken', 'username_taken', 'password_too_common', 'cross_site_request', 'overloaded')
  async register(
    @Body({ schema: schema.registration }) form: z.infer<typeof schema.registration>,
    @Context() context: RequestContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof schema.signedUp> | Message> {
    const signedUp = await this.registration.register(form, context);
    if (signedUp) return signedUp;
    void reply.status(202);
    return { message: 'A mail is on its way. Follow its link to confirm your email address, then sign in.' };
  }

  @Public()
  @Post('login')
  @DeliversTokens()
  @ApiOperation({ summary: 'Sign in with email or username and password', operationId: 'login' })
  @Answers(200, schema.signedIn)
  @Fails('invalid_credentials', 'account_disabled', 'email_not_verified', 'cross_site_request', 'overloaded')
  async login(
    @Body({ schema: schema.login }) { password, ...identifier }: z.infer<typeof schema.login>,
    @Context() context: RequestContext,
  ): Promise<z.infer<typeof schema.signedIn>> {
    return { message: 'Login successful', ...(await this.signIn.withPassword(identifier, password, context)) };
  }

  @Public()
  @Post('refresh')
  @RefreshesCookie()
  @ApiOperation({ summary: 'Exchange a refresh token for new tokens', operationId: 'refresh' })
  @Answers(200, tokensView)
  @Fails(
    'invalid_refresh_token',
    'refresh_reused',
    'session_revoked',
    'session_expired',
    'email_not_verified',
    'cross_site_request',
  )
  async refresh(
    @Body({ schema: schema.refresh }) body: z.infer<typeof schema.refresh>,
    @Context() context: RequestContext,
  ): Promise<Tokens> {
    const token = body?.refreshToken;
    if (token === undefined) throw Problem.field('/refreshToken', 'Send the refresh token, here or in its cookie.');
    return this.rotation.refresh(token, context);
  }

  @OptionallySignedIn()
  @Post('logout')
  @EndsCookie()
  @ApiOperation({ summary: 'End this session', operationId: 'logout' })
  @ApiBody({ required: false })
  @Answers(200, messageView)
  @Fails('invalid_refresh_token', 'cross_site_request')
  async logout(
    @Req() request: AuthenticatedRequest,
    @Body({ schema: schema.logout }) body: z.infer<typeof schema.logout>,
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
    @CurrentUser() user: Principal,
    @Body({ schema: schema.logoutAll }) body: z.infer<typeof schema.logoutAll>,
    @Context() context: RequestContext,
  ): Promise<z.infer<typeof revokedCount>> {
    const keep = body?.keepCurrent ? user.sessionId : null;
    return {
      revoked: await this.sessions.endAll(user.userId, keep, { type: 'auth.logout', actorId: user.userId, context }),
    };
  }

  @SignedIn()
  @Get('session')
  @ApiOperation({ summary: 'Who am I, from the token alone', operationId: 'getSession' })
  @Answers(200, schema.whoAmI)
  // The request itself and not @CurrentUser(): a parameter that a pipe could change costs three promises a request.
  session(@Req() { user }: AuthenticatedRequest): z.infer<typeof schema.whoAmI> {
    if (!user) throw new Problem('unauthorized');
    return whoAmI(user);
  }
}
