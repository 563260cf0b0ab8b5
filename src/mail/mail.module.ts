import { Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Delivery } from './delivery.js';
import { Mail } from './mail.service.js';
import { Outbox } from './outbox.js';
import { Smtp } from './smtp.js';

/** The messages we send: an outbox that a worker delivers over SMTP, or that a developer reads. */
@Module({})
export class MailModule {
  static with({ mail: { delivery } }: Pick<Config, 'mail'>) {
    return {
      module: MailModule,
      global: true,
      providers:
        delivery === 'smtp'
          ? [Mail, { provide: Smtp, inject: [CONFIG], useFactory: Smtp.open }, Outbox, Delivery]
          : [Mail],
      exports: [Mail],
    };
  }
}
