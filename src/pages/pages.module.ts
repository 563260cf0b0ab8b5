import { Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { DevOutboxController } from './dev-outbox.controller.js';
import { LinkPagesController } from './link-pages.controller.js';

/** The pages that mails lead to, and the development outbox. */
@Module({})
export class PagesModule {
  static with({ mail: { delivery } }: Pick<Config, 'mail'>) {
    const controllers =
      delivery === 'development outbox' ? [LinkPagesController, DevOutboxController] : [LinkPagesController];
    return { module: PagesModule, controllers };
  }
}
