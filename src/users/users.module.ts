import { Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { AccountController } from './account.controller.js';
import { AccountDeletion } from './account-deletion.service.js';
import { AccountExport } from './account-export.service.js';
import { Accounts } from './accounts.service.js';
import { AddressProof } from './address-proof.service.js';
import { EmailChange } from './email-change.service.js';
import { FirstAdmin } from './first-admin.js';
import { Handover } from './handover.service.js';
import { Housekeeping } from './housekeeping.js';
import { UserImport } from './import/user-import.service.js';
import { Invitations } from './invitations.service.js';
import { MeController } from './me.controller.js';
import { Notices } from './notices.service.js';
import { OneTimeTokens } from './one-time-tokens.service.js';
import { PasswordChange } from './password-change.service.js';
import { PasswordCheck } from './password-check.service.js';
import { PASSWORD_HASHER_OPTIONS, PasswordHasher, type PasswordHasherOptions } from './passwords/password-hasher.js';
import { PASSWORD_POLICY_OPTIONS, PasswordPolicy, type PasswordPolicyOptions } from './passwords/password-policy.js';
import { RolesController } from './roles.controller.js';
import { Roles } from './roles.service.js';
import { UserAdministration } from './user-administration.service.js';
import { UserDirectory } from './user-directory.service.js';
import { UsersController } from './users.controller.js';
import { Users } from './users.service.js';

/** Every rule about a user: who exists, what they may change, which roles and which password they have. */
@Module({
  imports: [SessionsModule],
  controllers: [MeController, AccountController, UsersController, RolesController],
  providers: [
    Users,
    UserAdministration,
    UserDirectory,
    UserImport,
    Roles,
    FirstAdmin,
    Accounts,
    AccountDeletion,
    AccountExport,
    AddressProof,
    EmailChange,
    Handover,
    Housekeeping,
    Invitations,
    Notices,
    OneTimeTokens,
    PasswordChange,
    PasswordCheck,
    PasswordHasher,
    PasswordPolicy,
    {
      provide: PASSWORD_HASHER_OPTIONS,
      inject: [CONFIG],
      useFactory: (config: Config): PasswordHasherOptions => ({
        cost: config.bcryptCost,
        pepper: config.deriveKey('password pepper'),
        queuePerCore: config.hashQueue,
        processes: config.workers,
      }),
    },
    {
      provide: PASSWORD_POLICY_OPTIONS,
      inject: [CONFIG],
      useFactory: (config: Config): PasswordPolicyOptions => ({ minLength: config.passwordMinLength }),
    },
  ],
  exports: [
    Users,
    UserAdministration,
    UserDirectory,
    UserImport,
    Roles,
    FirstAdmin,
    Accounts,
    AddressProof,
    EmailChange,
    Handover,
    Invitations,
    Notices,
    OneTimeTokens,
    PasswordHasher,
    PasswordPolicy,
  ],
})
export class UsersModule {}
