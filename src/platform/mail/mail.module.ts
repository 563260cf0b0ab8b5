import { Module } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Database } from '../database/database.js';
import { Outbox } from '../jobs/outbox.js';
import { Delivery } from './delivery.js';
import { Mail } from './mail.service.js';
import { MailRetention } from './retention.js';
import { Smtp } from './smtp.js';

/** The rows that `Mail` writes. */
const outbox = (database: Database, clock: Clock) => new Outbox('mail', 'mail', database, clock);

const DELIVERY = [
  { provide: Smtp, inject: [CONFIG], useFactory: Smtp.open },
  { provide: Outbox, inject: [Database, Clock], useFactory: outbox },
  Delivery,
];

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
