import { Module } from '@nestjs/common';
import { PasswordsModule } from '../credentials/passwords/passwords.module.js';
import { RevocationModule } from '../revocation/revocation.module.js';
import { Accounts } from './accounts.service.js';
import { Notices } from './notices.service.js';
import { UserWriteBack } from './user-write-back.js';
import { Users } from './users.service.js';

/** The user's row: create, find, profile, status. */
@Module({
  imports: [PasswordsModule, RevocationModule],
  providers: [Accounts, Notices, Users, UserWriteBack],
  exports: [Accounts, Notices, Users],
})
export class UsersModule {}
