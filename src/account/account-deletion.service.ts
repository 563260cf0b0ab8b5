import { Injectable } from '@nestjs/common';
import { Audit } from '../audit/audit.service.js';
import { Reauthentication } from '../auth/elevation/reauthentication.service.js';
import { Database } from '../platform/database/database.js';
import { Problem } from '../platform/http/problem.js';
import type { RequestContext } from '../platform/http/request-context.js';
import { Mail } from '../platform/mail/mail.service.js';
import { mailTemplates } from '../platform/mail/mail-templates.js';
import { LOCK_RIGHTS, LOCK_RIGHTS_OF_ADMIN } from '../roles/rights-lock.js';
import { Sessions } from '../sessions/sessions.service.js';
import { DELETE_WITH_PASSWORD, ROLES_OF } from '../users/account-store.js';
import { Notices } from '../users/notices.service.js';
import { LOCK } from '../users/user-store.js';
import { Users } from '../users/users.service.js';

/** Leaving for good. */
@Injectable()
export class AccountDeletion {
  constructor(
    private readonly database: Database,
    private readonly users: Users,
    private readonly check: Reauthentication,
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
    const checkedHash = await this.check.verify(userId, password, context);
    const mayTell = await this.notices.canNotify(userId);
    await this.database.transaction(async (manager) => {
      await manager.query(LOCK_RIGHTS_OF_ADMIN, [userId]);
      const [there] = await manager.query<unknown[]>(LOCK, [userId]);
      if (!there) throw new Problem('session_revoked');
      const roles = await manager.query<{ role: string }[]>(ROLES_OF, [userId]);
      const wasAdmin = roles.some(({ role }) => role === 'admin');
      // For a user who became an admin between the first statement and the lock on the row.
      if (wasAdmin) await manager.query(LOCK_RIGHTS);
      await this.sessions.endAllWithin(userId, null, manager);
      const [[user]] = await manager.query<[{ email: string }[], number]>(DELETE_WITH_PASSWORD, [userId, checkedHash]);
      // Changed since it was checked.
      if (!user) throw new Problem('wrong_password');
      if (wasAdmin && !(await this.users.hasAdmin(manager))) throw new Problem('last_admin');
      await this.audit.record({ type: 'user.deleted', actorId: userId, userId, context }, manager);
      await this.mail.withdraw(user.email, manager);
      if (mayTell) await this.mail.send(mailTemplates.accountDeleted(), user.email, manager);
    });
  }
}
