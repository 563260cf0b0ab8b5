import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { userActor } from '../../access/actor.js';
import { Audit } from '../../audit/audit.service.js';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/http/problem.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { DeferredWork, type Work } from '../../platform/jobs/deferred-work.js';
import { Mail } from '../../platform/mail/mail.service.js';
import { mailTemplates } from '../../platform/mail/mail-templates.js';
import { Quotas } from '../../platform/rate-limiting/quotas.service.js';
import { TrustedNetworks } from '../../platform/rate-limiting/trusted-networks.js';
import { type Account, Accounts } from '../../users/accounts.service.js';
import { emailKeyOf, readEmail } from '../../users/email.js';
import type { UserRow } from '../../users/user.js';
import { type NewUser, Users } from '../../users/users.service.js';
import { VerificationMailer } from '../email-verification/verification-mailer.service.js';
import { Invitations } from '../invitations/invitations.service.js';

const KIND = 'registration';

/** What a person wrote to sign up, and from where, with the hash of the password. */
interface UnverifiedForm {
  email: string;
  username?: string | null;
  name?: string | null;
  passwordHash: string;
  context: RequestContext;
}

type Person = Pick<UnverifiedForm, 'email' | 'username' | 'name'>;

/** Signing up where the email must be confirmed first (`EMAIL_VERIFICATION=required`). */
@Injectable()
export class UnverifiedRegistrations implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly users: Users,
    private readonly accounts: Accounts,
    private readonly mailer: VerificationMailer,
    private readonly invitations: Invitations,
    private readonly mail: Mail,
    private readonly audit: Audit,
    private readonly quotas: Quotas,
    private readonly networks: TrustedNetworks,
    private readonly work: DeferredWork,
  ) {}

  onModuleInit(): void {
    this.work.register<UnverifiedForm>(
      KIND,
      (form) => this.prepare(form),
      ({ email }) => emailKeyOf(email),
    );
  }

  /**
   * Accepts a registration for the owner of the address to confirm. Looks at no account, so the caller learns nothing, not by
   * the time either.
   * An address without a confirmed account gets a link. Where several registered it, the mail that the owner opens says nothing
   * about which password is theirs, so confirming keeps none: also where no more mail may go and an older link is opened.
   * An invited person is invited again. The owner of a confirmed account gets a mail that says there is one.
   * Throws a Problem: a refused address, `overloaded`.
   */
  async register(form: UnverifiedForm): Promise<void> {
    if (!readEmail(form.email)) throw Problem.field('/email', 'Write an email address such as ada@example.com.');
    await this.work.accept(KIND, form);
  }

  private async prepare({ passwordHash, context, ...form }: UnverifiedForm): Promise<Work | null> {
    const email = readEmail(form.email);
    if (!email) return null;
    const found = await this.accounts.findByEmail(form.email, this.database.manager);
    const asker = { ip: context.ip, known: await this.networks.has(found?.userId ?? null, context.ip) };
    const mayMail = await this.quotas.mayMail(email.key, 'anything else', asker);
    return async (manager) => {
      const account = await this.leave(form, passwordHash, context, manager);
      if (account && mayMail) await this.tell(account, context, manager);
    };
  }

  /** Makes the account, or marks the one that is there as registered again. Null where neither can be. */
  private async leave(
    form: Person,
    passwordHash: string,
    context: RequestContext,
    manager: EntityManager,
  ): Promise<Account | null> {
    const created = await this.create(form, passwordHash, manager);
    const account = await this.accounts.lockByEmail(form.email, manager);
    // Deleted in this very moment, or kept for its former owner, who may take the address back.
    if (!account) return null;
    const { userId } = account;
    if (created)
      await this.audit.record({ type: 'auth.registered', actor: userActor(userId, context), userId }, manager);
    // Asked of confirmed accounts too, which it leaves alone: all are locked for about as long.
    else await this.accounts.markDuplicateRegistration(userId, manager);
    return { ...account, duplicateRegistration: !created };
  }

  /** Mails the owner of the address what there is to do. */
  private async tell(account: Account, context: RequestContext, manager: EntityManager): Promise<void> {
    const { userId, email, verified, status, hasPassword } = account;
    if (verified || status !== 'active')
      return this.mail.send(mailTemplates.accountExists({ ip: context.ip, at: new Date() }), email, manager);
    if (!hasPassword) return this.invitations.invite(userId, { kind: 'anonymous', context }, manager);
    await this.mailer.send(account, context, manager);
  }

  /** The new account, without the username where that is taken: to say so would tell who is here. Null where the email is. */
  private async create(form: Person, passwordHash: string, manager: EntityManager): Promise<UserRow | null> {
    for (const username of new Set([form.username ?? null, null])) {
      try {
        const user: NewUser = { ...form, username, passwordHash, roles: ['user'], unverifiedRegistration: true };
        return await this.database.savepoint(manager, (savepoint) => this.users.create(user, savepoint));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.code === 'email_taken') return null;
        if (error.code !== 'username_taken') throw error;
      }
    }
    return null;
  }
}
