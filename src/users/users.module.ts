import { Module } from '@nestjs/common';
import { Accounts } from './accounts.service.js';
import { Notices } from './notices.service.js';
import { Users } from './users.service.js';

/** The user's row: create, find, profile, status. */
@Module({
  providers: [Accounts, Notices, Users],
  exports: [Accounts, Notices, Users],
})
export class UsersModule {}
