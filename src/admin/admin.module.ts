import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { PasswordsModule } from '../credentials/passwords/passwords.module.js';
import { RevocationModule } from '../revocation/revocation.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { FirstAdmin } from './first-admin.js';
import { UserImport } from './import/user-import.service.js';
import { SessionAdministration } from './session-administration.service.js';
import { SessionAdministrationController } from './sessions.controller.js';
import { UserAdministration } from './user-administration.service.js';
import { UserDirectory } from './user-directory.service.js';
import { UsersController } from './users.controller.js';

/** What administrators do to others: users, search, import, and the first admin. */
@Module({
  imports: [AuthModule, PasswordsModule, RevocationModule, SessionsModule, UsersModule],
  controllers: [UsersController, SessionAdministrationController],
  providers: [FirstAdmin, UserAdministration, SessionAdministration, UserDirectory, UserImport],
  exports: [FirstAdmin],
})
export class AdminModule {}
