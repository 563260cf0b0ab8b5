import { Module } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { DevOutboxController } from './dev-outbox.controller.js';

/** The development outbox. */
@Module({})
export class WebModule {
  static with({ mail: { delivery } }: Pick<Config, 'mail'>) {
    return { module: WebModule, controllers: delivery === 'development outbox' ? [DevOutboxController] : [] };
  }
}
