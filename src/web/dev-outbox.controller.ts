import { Controller, Get, Headers, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Public } from '../access/route-access.js';
import { isFromThisMachine } from '../platform/common/this-machine.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { Problem } from '../platform/http/problem.js';
import { DeferredWork } from '../platform/jobs/deferred-work.js';
import { Mail } from '../platform/mail/mail.service.js';
import { devOutboxPage } from './dev-outbox.page.js';

const SHOWN = 1_000;

const devOutbox = z
  .strictObject({
    items: z.array(
      z.strictObject({
        to: z.string(),
        subject: z.string(),
        text: z.string(),
        html: z.string(),
        at: z.iso.datetime(),
        token: z.string().optional().meta({ description: 'The token of the link, where there is one' }),
      }),
    ),
  })
  .meta({ id: 'DevOutbox' });

/**
 * The mails that would have been sent. Exists on a developer's own machine only and without a mail server, and for requests
 * that were made there: its links open every account.
 */
@ApiTags('Development')
@Controller('dev/outbox')
export class DevOutboxController {
  constructor(
    private readonly mail: Mail,
    private readonly work: DeferredWork,
  ) {}

  @Public()
  @Get()
  @ApiOperation({ summary: 'The mails of the development outbox, newest first', operationId: 'getDevOutbox' })
  @ApiProduces('application/json', 'text/html')
  @Answers(200, devOutbox, 'As JSON, or as a page where the caller accepts text/html')
  @Fails('not_found')
  async read(
    @Headers('accept') accept: string | undefined,
    @Req() { raw }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof devOutbox> | string> {
    if (!isFromThisMachine(raw)) throw new Problem('not_found');
    // A developer who has just asked for a mail looks for it here.
    await this.work.settled();
    const mails = await this.mail.kept(SHOWN);
    if (!accept?.includes('text/html')) return { items: mails.map((mail) => ({ ...mail, at: mail.at.toISOString() })) };
    const { html, contentSecurityPolicy } = devOutboxPage(mails);
    void reply.type('text/html; charset=utf-8').header('content-security-policy', contentSecurityPolicy);
    return html;
  }
}
