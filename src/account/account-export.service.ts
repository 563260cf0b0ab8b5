import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { userActor } from '../access/actor.js';
import { Audit, auditEntry } from '../audit/audit.service.js';
import { OneTimeTokens } from '../auth/one-time-tokens/one-time-tokens.service.js';
import type { RequestContext } from '../platform/http/request-context.js';
import { Mail } from '../platform/mail/mail.service.js';
import { TrustedNetworks } from '../platform/rate-limiting/trusted-networks.js';
import { storedSession } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.service.js';
import { toUserView, userView } from '../users/user.js';
import { Users } from '../users/users.service.js';

const time = z.iso.datetime();

/** Everything stored about a person, but for what would let somebody in: hashes, keys, and mails on their way with their links. */
export const accountExport = z
  .strictObject({
    exportedAt: time,
    user: z.strictObject({ ...userView.shape, emailVerifiedAt: time.nullable() }),
    sessions: z.array(storedSession),
    mailedLinks: z.array(z.strictObject({ purpose: z.string(), email: z.string(), createdAt: time, expiresAt: time })),
    /** Those that wait to be sent; their text may hold a link that works. */
    mails: z.array(z.strictObject({ subject: z.string(), createdAt: time })),
    knownAddresses: z.array(z.strictObject({ network: z.string(), seenAt: time })),
    activity: z.array(auditEntry),
  })
  .meta({ id: 'AccountExport' });

/** What goes out is the same with Dates in the place of texts: JSON writes them as the schema says. */
type Dated<T> = T extends string
  ? T | Date
  : T extends (infer Item)[]
    ? Dated<Item>[]
    : T extends object
      ? { [K in keyof T]: Dated<T[K]> }
      : T;

/** Taking along everything that is stored about oneself. */
@Injectable()
export class AccountExport {
  constructor(
    private readonly users: Users,
    private readonly sessions: Sessions,
    private readonly tokens: OneTimeTokens,
    private readonly mail: Mail,
    private readonly addresses: TrustedNetworks,
    private readonly audit: Audit,
  ) {}

  /** Everything stored about the user. That it was asked for is part of it. */
  async of(userId: string, context: RequestContext): Promise<Dated<z.infer<typeof accountExport>>> {
    const user = await this.users.get(userId);
    await this.audit.record({ type: 'user.exported', actor: userActor(userId, context), userId });
    const [sessions, mailedLinks, mails, knownAddresses, activity] = await Promise.all([
      this.sessions.allOf(userId),
      this.tokens.listOf(userId),
      this.mail.storedFor(user.email),
      this.addresses.allOf(userId),
      this.audit.allOf(userId),
    ]);
    return {
      exportedAt: new Date(),
      user: { ...toUserView(user), emailVerifiedAt: user.email_verified_at },
      sessions,
      mailedLinks,
      mails: mails.map(({ subject, at }) => ({ subject, createdAt: at })),
      knownAddresses,
      activity,
    };
  }
}
