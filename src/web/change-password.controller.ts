import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../access/route-access.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { PAGE_PATHS } from './page-paths.js';

/** Where a password manager finds the form that changes a password (W3C, A Well-Known URL for Changing Passwords). */
@ApiTags('Standards')
@Controller('.well-known')
export class ChangePasswordController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Public()
  @Get('change-password')
  @ApiOperation({ summary: 'Where a person changes their password', operationId: 'getChangePassword' })
  @ApiResponse({
    status: 303,
    description: 'To the page',
    headers: { Location: { required: true, schema: { type: 'string', format: 'uri' } } },
  })
  redirect(@Res() reply: FastifyReply): void {
    void reply.redirect(this.config.publicUrl + PAGE_PATHS.security, 303);
  }
}
