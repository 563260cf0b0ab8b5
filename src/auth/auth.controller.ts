import { Body, Controller, Get, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { OptionallySignedIn, Public, SignedIn } from '../access/demands.js';
import { type AuthenticatedRequest, CurrentUser, type Principal } from '../access/principal.js';
import { type Client, FromClient } from '../common/client.js';
import { Answers, Fails } from '../common/openapi.js';
import { Problem } from '../common/problem.js';
import { type Tokens, tokensView } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.service.js';
import * as schema from './auth.schemas.js';
import { Logout } from './logout.service.js';
import { Registration } from './registration.service.js';
import { SignIn } from './sign-in.service.js';
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
  ) {}

  @Public()
  @Post('register')
  @ApiOperation({ summary: 'Make an account and sign in', operationId: 'register' })
  @Answers(201, schema.signedUp, 'The account and its first tokens')
  @Fails('signup_closed', 'email_taken', 'username_taken', 'password_too_common', 'overloaded')
  register(
    @Body({ schema: schema.registration }) form: z.infer<typeof schema.registration>,
    @FromClient() client: Client,
  ): Promise<z.infer<typeof schema.signedUp>> {
    return this.registration.register(form, client);
  }

  @Public()
  @Post('login')
  @ApiOperation({ summary: 'Sign in with email or username and password', operationId: 'login' })
  @Answers(200, schema.signedIn)
  @Fails('invalid_credentials', 'account_disabled', 'overloaded')
  async login(
    @Body({ schema: schema.login }) { password, ...identifier }: z.infer<typeof schema.login>,
    @FromClient() client: Client,
  ): Promise<z.infer<typeof schema.signedIn>> {
    return { message: 'Login successful', ...(await this.signIn.withPassword(identifier, password, client)) };
  }

  @Public()
  @Post('refresh')
  @ApiOperation({ summary: 'Exchange a refresh token for new tokens', operationId: 'refresh' })
  @Answers(200, tokensView)
  @Fails('invalid_refresh_token', 'refresh_reused', 'session_revoked', 'session_expired')
  refresh(
    @Body({ schema: schema.refresh }) { refreshToken }: z.infer<typeof schema.refresh>,
    @FromClient() client: Client,
  ): Promise<Tokens> {
    return this.sessions.refresh(refreshToken, client);
  }

  @OptionallySignedIn()
  @Post('logout')
  @ApiOperation({ summary: 'End this session', operationId: 'logout' })
  @ApiBody({ required: false })
  @Answers(200, schema.message)
  @Fails('invalid_refresh_token')
  async logout(
    @Req() request: AuthenticatedRequest,
    @Body({ schema: schema.logout }) body: z.infer<typeof schema.logout>,
    @FromClient() client: Client,
  ): Promise<z.infer<typeof schema.message>> {
    await this.signOut.end(request, body?.refreshToken, client);
    return { message: 'Logged out successfully' };
  }

  @SignedIn()
  @Post('logout-all')
  @ApiOperation({ summary: 'End every session of the own account', operationId: 'logoutAll' })
  @ApiBody({ required: false })
  @Answers(200, schema.revokedCount)
  async logoutAll(
    @CurrentUser() user: Principal,
    @Body({ schema: schema.logoutAll }) body: z.infer<typeof schema.logoutAll>,
    @FromClient() client: Client,
  ): Promise<z.infer<typeof schema.revokedCount>> {
    const keep = body?.keepCurrent ? user.sessionId : null;
    return {
      revoked: await this.sessions.endAll(user.userId, keep, { type: 'auth.logout', actorId: user.userId, client }),
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
