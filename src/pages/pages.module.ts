import { Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { DevOutboxController } from './dev-outbox.controller.js';

/** The development outbox. */
@Module({})
export class PagesModule {
  static with({ mail: { delivery } }: Pick<Config, 'mail'>) {
    return { module: PagesModule, controllers: delivery === 'development outbox' ? [DevOutboxController] : [] };
  }
}
