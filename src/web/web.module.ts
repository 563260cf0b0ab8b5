import { Module } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { ChangePasswordController } from './change-password.controller.js';
import { DevOutboxController } from './dev-outbox.controller.js';

/** What leads to the page from outside, and the development outbox. */
@Module({})
export class WebModule {
  static with({ mail: { delivery } }: Pick<Config, 'mail'>) {
    const ofDevelopment = delivery === 'development outbox' ? [DevOutboxController] : [];
    return { module: WebModule, controllers: [ChangePasswordController, ...ofDevelopment] };
  }
}
