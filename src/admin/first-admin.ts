import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { SYSTEM } from '../access/actor.js';
import { Audit } from '../audit/audit.service.js';
import { PasswordHasher } from '../credentials/passwords/password-hasher.js';
import { PasswordPolicy } from '../credentials/passwords/password-policy.js';
import { trimBlanks } from '../platform/common/trim-blanks.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import { Problem } from '../platform/http/problem.js';
import { LOCK_RIGHTS } from '../roles/rights-lock.js';
import type { UserRow } from '../users/user.js';
import { type NewUser, Users } from '../users/users.service.js';
import { FirstAdminError } from './first-admin-error.js';

/** What the operator must know of the first admin; the password is shown once and stored nowhere. */
export interface FirstAdminCredentials {
  email: string;
  /** Absent where the operator chose it. */
  password?: string;
}

/** Makes the first admin of a new database. */
@Injectable()
export class FirstAdmin {
  private ensured = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly users: Users,
    private readonly hasher: PasswordHasher,
    private readonly policy: PasswordPolicy,
    private readonly audit: Audit,
  ) {}

  /**
   * Makes an admin where there is none, not even a disabled one: the bootstrap one, or with the embedded database one with a random
   * password. Instances that start together make one. Returns what to show, or null where nothing was made.
   * Throws FirstAdminError for bootstrap values that cannot be used.
   */
  async ensure(): Promise<FirstAdminCredentials | null> {
    const made = await this.makeAsConfigured();
    this.ensured = true;
    return made;
  }

  /** Whether `ensure` is done: a script that waits for the server to be ready may sign in as the first admin at once. */
  get isEnsured(): boolean {
    return this.ensured;
  }

  private async makeAsConfigured(): Promise<FirstAdminCredentials | null> {
    const { bootstrapAdmin, databaseUrl } = this.config;
    if (bootstrapAdmin) return this.make(trimBlanks(bootstrapAdmin.email), bootstrapAdmin.password, null);
    if (databaseUrl) return null;
    return this.make('admin@gatehouse.test', randomBytes(15).toString('base64url'), 'admin');
  }

  private async make(email: string, password: string, username: string | null): Promise<FirstAdminCredentials | null> {
    return this.database.transaction(async (manager) => {
      await manager.query(LOCK_RIGHTS);
      if (await this.users.knowsAdmin(manager)) return null;
      const fault = this.policy.check(password, { email });
      if (fault) throw new FirstAdminError(`BOOTSTRAP_ADMIN_PASSWORD cannot be used. ${fault.detail}`);
      const passwordHash = await this.hasher.hash(password);
      const { id } = await this.create(
        { email, username, passwordHash, roles: ['admin', 'user'], emailVerified: true },
        manager,
      );
      await this.audit.record(
        { type: 'user.created', actor: SYSTEM, userId: id, data: { roles: ['admin', 'user'] } },
        manager,
      );
      return this.config.bootstrapAdmin ? { email } : { email, password };
    });
  }

  private async create(user: NewUser, manager: Parameters<Users['create']>[1]): Promise<UserRow> {
    try {
      return await this.users.create(user, manager);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === 'email_taken') {
        throw new FirstAdminError(
          `${user.email} is an ordinary account already, so it is not made an admin by itself. Set BOOTSTRAP_ADMIN_EMAIL to another address, or run: npm run cli -- roles:grant`,
        );
      }
      throw new FirstAdminError(`BOOTSTRAP_ADMIN_EMAIL cannot be used: ${error.errors?.[0]?.detail ?? error.detail}`);
    }
  }
}
