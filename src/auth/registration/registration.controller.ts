import { Body, Controller, Post, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { Public, RateLimit } from '../../access/route-access.js';
import { type Message, messageView } from '../../platform/http/message.js';
import { Answers, Fails } from '../../platform/http/openapi.js';
import { Context, type RequestContext } from '../../platform/http/request-context.js';
import { DeliversTokens } from '../../sessions/token-delivery.js';
import { signedInOf } from '../sign-in/sign-in-outcome.js';
import { type RegistrationForm, registration, signedUp } from './registration.schemas.js';
import { Registration } from './registration.service.js';

/** Signing up. */
@ApiTags('Auth')
@Controller('v1/auth')
export class RegistrationController {
  constructor(private readonly registration: Registration) {}

  @Public()
  @RateLimit('registration')
  @Post('register')
  @DeliversTokens()
  @ApiOperation({ summary: 'Create an account and sign in', operationId: 'register' })
  @Answers(201, signedUp, 'The account and its first tokens')
  @ApiResponse({
    status: 202,
    description: 'Where EMAIL_VERIFICATION=required: a mail says the rest, whether the email is taken or not',
    standardSchema: messageView as never,
  })
  @Fails('signup_closed', 'email_taken', 'username_taken', 'password_too_common', 'overloaded')
  async register(
    @Body({ schema: registration }) form: RegistrationForm,
    @Context() context: RequestContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof signedUp> | Message> {
    const outcome = await this.registration.register(form, context);
    if (outcome) return signedInOf(outcome);
    void reply.status(202);
    return { message: 'A mail is on its way. Follow its link to confirm your email address, then sign in.' };
  }
}
