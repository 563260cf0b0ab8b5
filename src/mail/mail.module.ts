import { Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { Delivery } from './delivery.js';
import { Mail } from './mail.service.js';
import { Smtp } from './smtp.js';

/** The messages we send: an outbox that a worker delivers over SMTP, or that a developer reads. */
@Module({})
export class MailModule {
  static with({ mail: { delivery } }: Pick<Config, 'mail'>) {
    return {
      module: MailModule,
      global: true,
      providers: delivery === 'smtp' ? [Mail, Smtp, Delivery] : [Mail],
      exports: [Mail],
    };
  }
}
