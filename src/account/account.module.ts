import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { PasswordsModule } from '../credentials/passwords/passwords.module.js';
import { RevocationModule } from '../revocation/revocation.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccountController } from './account.controller.js';
import { AccountDeletion } from './account-deletion.service.js';
import { AccountExport } from './account-export.service.js';
import { ExportClaims } from './export-claims.js';
import { MeController } from './me.controller.js';

/** What people do to themselves: profile, export, deletion. */
@Module({
  imports: [AuthModule, PasswordsModule, RevocationModule, SessionsModule, UsersModule],
  controllers: [MeController, AccountController],
  providers: [AccountDeletion, AccountExport, ExportClaims],
})
export class AccountModule {}
