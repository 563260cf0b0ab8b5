import { Module } from '@nestjs/common';
import { Housekeeping } from './housekeeping.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.service.js';

/** One row for each signed-in device. */
@Module({ controllers: [SessionsController], providers: [Sessions, Housekeeping], exports: [Sessions] })
export class SessionsModule {}
