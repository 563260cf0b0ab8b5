import { Controller, Get, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../access/demands.js';
import type { Page } from '../common/html.js';
import { linkPages } from './link-pages.js';

/**
 * What the links of our mails open. The token is in the fragment, so it is not even sent here, and nothing happens until a
 * person presses the button: scanners that open every link of a mail use up nothing.
 */
@ApiExcludeController()
@Public()
@Controller()
export class LinkPagesController {
  @Get('verify-email')
  verifyEmail(@Res({ passthrough: true }) reply: FastifyReply): string {
    return show(linkPages['verify-email'], reply);
  }

  @Get('reset-password')
  resetPassword(@Res({ passthrough: true }) reply: FastifyReply): string {
    return show(linkPages['reset-password'], reply);
  }

  @Get('accept-invitation')
  acceptInvitation(@Res({ passthrough: true }) reply: FastifyReply): string {
    return show(linkPages['accept-invitation'], reply);
  }

  @Get('undo-email-change')
  undoEmailChange(@Res({ passthrough: true }) reply: FastifyReply): string {
    return show(linkPages['undo-email-change'], reply);
  }
}

function show({ html, contentSecurityPolicy }: Page, reply: FastifyReply): string {
  void reply.type('text/html; charset=utf-8').header('content-security-policy', contentSecurityPolicy);
  return html;
}
