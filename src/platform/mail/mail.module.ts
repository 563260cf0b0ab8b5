import { Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Delivery } from './delivery.js';
import { Mail } from './mail.service.js';
import { Outbox } from './outbox.js';
import { MailRetention } from './retention.js';
import { Smtp } from './smtp.js';

const DELIVERY = [{ provide: Smtp, inject: [CONFIG], useFactory: Smtp.open }, Outbox, Delivery];

/** The messages we send: an outbox that a worker delivers over SMTP, or that a developer reads. */
@Module({})
export class MailModule {
  static with({ mail: { delivery } }: Pick<Config, 'mail'>) {
    return {
      module: MailModule,
      global: true,
      providers: [Mail, MailRetention, ...(delivery === 'smtp' ? DELIVERY : [])],
      exports: [Mail],
    };
  }
}
