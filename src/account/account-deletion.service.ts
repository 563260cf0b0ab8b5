import { Injectable } from '@nestjs/common';
import { userActor } from '../access/actor.js';
import { Audit } from '../audit/audit.service.js';
import { Reauthentication } from '../auth/elevation/reauthentication.service.js';
import { Passwords } from '../credentials/passwords/passwords.service.js';
import { Database } from '../platform/database/database.js';
import { Problem } from '../platform/http/problem.js';
import type { RequestContext } from '../platform/http/request-context.js';
import { Mail } from '../platform/mail/mail.service.js';
import { mailTemplates } from '../platform/mail/mail-templates.js';
import { Sessions } from '../sessions/sessions.service.js';
import { Notices } from '../users/notices.service.js';
import { Users } from '../users/users.service.js';

/** Leaving for good. */
@Injectable()
export class AccountDeletion {
  constructor(
    private readonly database: Database,
    private readonly users: Users,
    private readonly reauthentication: Reauthentication,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly mail: Mail,
    private readonly notices: Notices,
    private readonly audit: Audit,
  ) {}

  /**
   * Deletes the account and what belongs to it; audit entries keep the id. Throws a Problem: `wrong_password`,
   * `session_revoked` where it is gone already, `last_admin`, `overloaded`.
   */
  async delete(userId: string, password: string, context: RequestContext): Promise<void> {
    const checkedHash = await this.reauthentication.verify(userId, password, context);
    const mayNotify = await this.notices.canNotify(userId);
    await this.database.transaction(async (manager) => {
      const guarded = await this.users.lockWherePossiblyAdmin(userId, manager);
      if (!(await this.users.lock(userId, manager))) throw new Problem('session_revoked');
      // Changed since it was checked.
      if (!(await this.passwords.isCurrent(userId, checkedHash, manager))) throw new Problem('wrong_password');
      const isAdmin = guarded || (await this.users.lockWherePossiblyAdmin(userId, manager));
      const user = await this.users.read(userId, manager);
      await this.sessions.endAllWithin(userId, null, manager);
      await this.users.delete(userId, manager);
      if (isAdmin && !(await this.users.hasAdmin(manager))) throw new Problem('last_admin');
      await this.audit.record({ type: 'user.deleted', actor: userActor(userId, context), userId }, manager);
      await this.mail.withdraw(user.email, manager);
      if (mayNotify) await this.mail.send(mailTemplates.accountDeleted(), user.email, manager);
    });
  }
}
