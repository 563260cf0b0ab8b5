import { Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { FirstAdmin } from './first-admin.js';
import { UserImport } from './import/user-import.service.js';
import { MeController } from './me.controller.js';
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
  controllers: [MeController, UsersController, RolesController],
  providers: [
    Users,
    UserAdministration,
    UserDirectory,
    UserImport,
    Roles,
    FirstAdmin,
    PasswordHasher,
    PasswordPolicy,
    {
      provide: PASSWORD_HASHER_OPTIONS,
      inject: [CONFIG],
      useFactory: (config: Config): PasswordHasherOptions => ({
        cost: config.bcryptCost,
        pepper: config.deriveKey('password pepper'),
        queuePerCore: config.hashQueue,
      }),
    },
    {
      provide: PASSWORD_POLICY_OPTIONS,
      inject: [CONFIG],
      useFactory: (config: Config): PasswordPolicyOptions => ({ minLength: config.passwordMinLength }),
    },
  ],
  exports: [Users, UserAdministration, UserDirectory, UserImport, Roles, FirstAdmin, PasswordHasher, PasswordPolicy],
})
export class UsersModule {}
