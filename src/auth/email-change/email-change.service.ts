import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, userActor } from '../../access/actor.js';
import { Audit } from '../../audit/audit.service.js';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/http/problem.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { DeferredWork, type Work } from '../../platform/jobs/deferred-work.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { mailTemplates } from '../../platform/mail/mail-templates.js';
import { Quotas } from '../../platform/rate-limiting/quotas.service.js';
import { TrustedNetworks } from '../../platform/rate-limiting/trusted-networks.js';
import { Accounts } from '../../users/accounts.service.js';
import { readEmail } from '../../users/email.js';
import { Reauthentication } from '../elevation/reauthentication.service.js';
import { AccountClaim } from '../email-verification/account-claim.service.js';
import { VerificationMailer } from '../email-verification/verification-mailer.service.js';
import { OneTimeTokens, type SpentToken } from '../one-time-tokens/one-time-tokens.service.js';

const KIND = 'change_email';

/** What is remembered of a wish for another address until the work is done. */
interface EmailWish {
  userId: string;
  email: string;
  checkedHash: string;
  context: RequestContext;
}

/** Moving an account to another address: asked for, confirmed at the new address, undone from the old one. */
@Injectable()
export class EmailChange implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly accounts: Accounts,
    private readonly reauthentication: Reauthentication,
    private readonly mailer: VerificationMailer,
    private readonly quotas: Quotas,
    private readonly claim: AccountClaim,
    private readonly tokens: OneTimeTokens,
    private readonly mail: Mail,
    private readonly audit: Audit,
    private readonly networks: TrustedNetworks,
    private readonly work: DeferredWork,
  ) {}

  onModuleInit(): void {
    this.work.register<EmailWish>(
      KIND,
      (wish) => this.prepare(wish),
      ({ userId }) => userId,
    );
  }

  /**
   * Accepts the wish for another address, which is mailed later and takes effect once its owner confirms. Looks at no other
   * account: one that has the address gets a mail that says so, and the caller learns nothing of it. A mere registration does
   * not count. The own address, where nobody has confirmed it, is only asked once more to be confirmed, as any registration is.
   * Throws a Problem: `mail_unavailable`, `wrong_password`, `session_revoked` where the account is gone or disabled,
   * `rate_limited`, `overloaded`.
   */
  async request(userId: string, email: string, password: string, context: RequestContext): Promise<void> {
    this.mail.require();
    const checkedHash = await this.reauthentication.verify(userId, password, context);
    await this.quotas.requestMail(context);
    const address = readEmail(email);
    if (!address) throw Problem.field('/email', 'Write an email address such as ada@example.com.');
    const wish: EmailWish = { userId, email: address.written, checkedHash, context };
    await this.database.transaction(async (manager) => {
      // Changed since it was checked.
      if (!(await this.accounts.lockChecked(userId, checkedHash, manager))) throw new Problem('wrong_password');
      await this.work.accept(KIND, wish, manager);
    });
  }

  private async prepare({ userId, email, checkedHash, context }: EmailWish): Promise<Work | null> {
    const address = readEmail(email);
    if (!address) return null;
    const holder = await this.accounts.findByEmail(email, this.database.manager);
    const asker = { ip: context.ip, known: await this.networks.has(holder?.userId ?? null, context.ip) };
    if (!(await this.quotas.mayMail(address.key, 'anything else', asker))) return null;
    const origin = { ip: context.ip, at: new Date() };
    return async (manager) => {
      const account = await this.accounts.lockChecked(userId, checkedHash, manager);
      // Changed since it was asked.
      if (!account) return;
      if (account.emailKey === address.key && !account.verified)
        return this.mailer.resend(userId, userActor(userId, context), manager);
      const subject = { userId, email: address.written, emailKey: address.key };
      // Also where the address is taken, so that the link before is void either way: else it would tell which it is.
      const token = await this.tokens.issue('change_email', subject, manager);
      const owner = await this.accounts.findByEmail(email, manager);
      if (owner && owner.userId !== userId && !owner.unverifiedRegistration)
        return this.mail.send(mailTemplates.accountExists(origin), owner.email, manager);
      await this.mail.send(mailTemplates.confirmNewEmail(token, origin), address.written, manager);
    };
  }

  /**
   * Gives the account the address that its owner just confirmed, and the address before an undo link for 72 hours; that one is
   * told, but for an unconfirmed one unless `mayNotify`. Throws a Problem `email_taken` where somebody else got it first.
   */
  async confirm(
    proven: SpentToken,
    mayNotify: boolean,
    context: RequestContext,
    manager: EntityManager,
  ): Promise<void> {
    const { userId, emailKey } = proven;
    const before = await this.accounts.findById(userId, manager);
    if (!before) throw new Problem('invalid_token_link');
    await this.releaseUnverifiedEmail(emailKey, userId, userActor(userId, context), manager);
    await this.accounts.setProvenEmail(proven, manager);
    await this.tokens.voidAll(userId, manager);
    await this.audit.record({ type: 'user.email_changed', actor: userActor(userId, context), userId }, manager);
    if (before.emailKey === emailKey) return;
    // An address that was never confirmed may be a stranger's, so no undo link goes there; nor to the address that an owner
    // leaves to return to the one before.
    const returned = await this.tokens.voidUndoLinksTo(userId, emailKey, manager);
    const undo = before.verified && !returned ? await this.tokens.issue('undo_email_change', before, manager) : null;
    if (before.verified || mayNotify)
      await this.mail.send(mailTemplates.emailChanged(undo, { ip: context.ip, at: new Date() }), before.email, manager);
  }

  /**
   * Gives the account back to the address that it had. The person who moved it knew the password, so that no longer works, every
   * session ends, and the way to a new password is mailed to the restored address.
   * Throws a Problem: `invalid_token_link`, `email_taken`.
   */
  async undo(token: string, context: RequestContext): Promise<void> {
    await this.database.transaction(async (manager) => {
      const former = await this.tokens.spend(token, ['undo_email_change'], manager);
      const { userId, email } = former;
      const displaced = await this.accounts.findById(userId, manager);
      await this.accounts.setProvenEmail(former, manager);
      await this.claim.complete(userId, null, manager, true);
      await this.tokens.voidUndoLinks(userId, former.createdAt, manager);
      const data = { undone: true };
      await this.audit.record({ type: 'user.email_changed', actor: userActor(userId, context), userId, data }, manager);
      const reset = await this.tokens.issue('reset_password', former, manager);
      await this.mail.send(mailTemplates.emailRestored(reset), email, manager);
      if (displaced) await this.mail.send(mailTemplates.emailTakenBack(), displaced.email, manager);
    });
  }

  /**
   * Gives the account an address that an administrator typed, in the caller's transaction. It counts as unproven, and the
   * caller asks its owner to confirm it; a mere registration of it gives way. The address before is told, and neither links to
   * other addresses nor undo links of former ones work any more. Returns whether it is another address, or null where
   * nothing changed. Throws a Problem: a refused address, `email_taken`.
   */
  async setEmailByAdmin(userId: string, email: string, actor: Actor, manager: EntityManager): Promise<boolean | null> {
    const address = readEmail(email);
    if (!address) throw Problem.field('/email', 'Write an email address such as ada@example.com.');
    const before = await this.accounts.findById(userId, manager);
    await this.releaseUnverifiedEmail(address.key, userId, actor, manager);
    const subject = { userId, email: address.written, emailKey: address.key };
    if (!(await this.accounts.setUnprovenEmail(subject, manager))) return null;
    if (!before || before.emailKey === address.key) return false;
    await this.tokens.void(userId, ['change_email', 'undo_email_change'], manager);
    await this.mail.send(mailTemplates.emailChanged(null, null), before.email, manager);
    return true;
  }

  /**
   * Takes away a mere registration of an address, in the caller's transaction, once its owner has proved to be that or an
   * administrator has said whose it is: `ownerId`, or null for an account to come.
   */
  async releaseUnverifiedEmail(
    emailKey: string,
    ownerId: string | null,
    actor: Actor,
    manager: EntityManager,
  ): Promise<void> {
    const userId = await this.accounts.releaseUnverifiedEmail(emailKey, ownerId, manager);
    if (userId === null) return;
    const data = { unconfirmed: true };
    await this.audit.record({ type: 'user.deleted', actor, userId, data }, manager);
  }
}
