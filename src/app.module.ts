import { Module } from '@nestjs/common';
import { AccessModule } from './access/access.module.js';
import { AuditModule } from './audit/audit.module.js';
import { AuthModule } from './auth/auth.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DashboardModule } from './dashboard/dashboard.module.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthModule } from './health/health.module.js';
import { LimitsModule } from './limits/limits.module.js';
import { MailModule } from './mail/mail.module.js';
import { PagesModule } from './pages/pages.module.js';
import { UsersModule } from './users/users.module.js';

/** The list of rooms. */
@Module({})
export class AppModule {
  /** `patience` is how long a statement may take, in milliseconds; 0 for as long as it likes. */
  static with(config: Config, databaseUrl: string, patience?: number) {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config),
        DatabaseModule.with({ url: databaseUrl, pool: config.databasePool, patience }),
        MailModule.with(config),
        AuditModule,
        LimitsModule,
        AccessModule,
        UsersModule,
        AuthModule,
        DashboardModule,
        HealthModule,
        PagesModule.with(config),
      ],
    };
  }
}
