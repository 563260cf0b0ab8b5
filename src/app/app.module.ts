import { Module } from '@nestjs/common';
import { AccountModule } from '../account/account.module.js';
import { AdminModule } from '../admin/admin.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { DashboardModule } from '../dashboard/dashboard.module.js';
import { GuardsModule } from '../guards/guards.module.js';
import { HealthModule } from '../health/health.module.js';
import type { Config } from '../platform/config/config.js';
import { ConfigModule } from '../platform/config/config.module.js';
import { DatabaseModule } from '../platform/database/database.module.js';
import { JobsModule } from '../platform/jobs/jobs.module.js';
import { MailModule } from '../platform/mail/mail.module.js';
import { RateLimitingModule } from '../platform/rate-limiting/rate-limiting.module.js';
import { WebModule } from '../web/web.module.js';

/** The list of modules. */
@Module({})
export class AppModule {
  /** `timeout` is how long a statement may take, in milliseconds; 0 for as long as it likes. */
  static with(config: Config, databaseUrl: string, timeout?: number) {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config),
        DatabaseModule.with({
          url: databaseUrl,
          directUrl: config.databaseDirectUrl ?? databaseUrl,
          feed: config.revocationFeed,
          pool: config.databasePool,
          timeout,
        }),
        JobsModule,
        MailModule.with(config),
        AuditModule,
        RateLimitingModule,
        GuardsModule,
        AuthModule,
        AccountModule,
        AdminModule,
        DashboardModule,
        HealthModule,
        WebModule.with(config),
      ],
    };
  }
}
