import { Body, Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Public, RateLimit } from '../../access/route-access.js';
import { Answers, Fails } from '../../platform/http/openapi.js';
import { Context, type RequestContext } from '../../platform/http/request-context.js';
import { DeliversTokens } from '../../sessions/token-delivery.js';
import { PasswordSignIn } from './password-sign-in.service.js';
import { login, signedIn } from './sign-in.schemas.js';
import { signedInOf } from './sign-in-outcome.js';

/** Signing in with a password. */
@ApiTags('Auth')
@Controller('v1/auth')
export class LoginController {
  constructor(private readonly signIn: PasswordSignIn) {}

  @Public()
  @RateLimit('sign-in')
  @Post('login')
  @DeliversTokens()
  @ApiOperation({ summary: 'Sign in with email or username and password', operationId: 'login' })
  @Answers(200, signedIn)
  @Fails('invalid_credentials', 'account_disabled', 'email_not_verified', 'overloaded')
  async login(
    @Body({ schema: login }) { password, ...identifier }: z.infer<typeof login>,
    @Context() context: RequestContext,
  ): Promise<z.infer<typeof signedIn>> {
    const outcome = await this.signIn.withPassword(identifier, password, context);
    return { message: 'Login successful', ...signedInOf(outcome) };
  }
}
