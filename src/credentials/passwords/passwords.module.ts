import { Module } from '@nestjs/common';
import type { Config } from '../../platform/config/config.js';
import { CONFIG } from '../../platform/config/config.module.js';
import { PASSWORD_HASHER_OPTIONS, PasswordHasher, type PasswordHasherOptions } from './password-hasher.js';
import { PASSWORD_POLICY_OPTIONS, PasswordPolicy, type PasswordPolicyOptions } from './password-policy.js';
import { Passwords } from './passwords.service.js';

/** Passwords: whose they are, which are refused, and how they are hashed. */
@Module({
  providers: [
    PasswordHasher,
    PasswordPolicy,
    Passwords,
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
  exports: [PasswordHasher, PasswordPolicy, Passwords],
})
export class PasswordsModule {}
