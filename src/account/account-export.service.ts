import { Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { userActor } from '../access/actor.js';
import type { SessionPrincipal } from '../access/principal.js';
import { Audit, type AuditEntry, auditEntry } from '../audit/audit.service.js';
import { OneTimeTokens, type StoredToken } from '../auth/one-time-tokens/one-time-tokens.service.js';
import { withoutDeadline } from '../platform/database/deadline.js';
import type { RequestContext } from '../platform/http/request-context.js';
import { Mail, type StoredMail } from '../platform/mail/mail.service.js';
import { Quotas } from '../platform/rate-limiting/quotas.service.js';
import { rateLimited } from '../platform/rate-limiting/rate-limited.js';
import { type KnownNetwork, TrustedNetworks } from '../platform/rate-limiting/trusted-networks.js';
import { Revocations } from '../revocation/revocations.service.js';
import { type StoredSession, storedSession } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.service.js';
import { toUserView, type UserRow, userView } from '../users/user.js';
import { Users } from '../users/users.service.js';
import { type ExportClaim, ExportClaims } from './export-claims.js';
import { exportText, mapPages, pagesOf, type ReadPage } from './export-text.js';

/** Rows in memory at once: a page, of which each row is bounded where it is written. */
const PAGE = 100;
/** Milliseconds after which to ask again while another export is under way. */
const UNDER_WAY = 10_000;

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

type Export = Dated<z.infer<typeof accountExport>>;
type Head = Pick<Export, 'exportedAt' | 'user'>;
type Lists = { [Name in Exclude<keyof Export, keyof Head>]: AsyncIterable<Export[Name]> };

/** Thrown on the way, after which the answer is broken off: who reads it sees that it is none. */
class ExportEndedError extends Error {}

/** Taking along everything that is stored about oneself. */
@Injectable()
export class AccountExport {
  private readonly logger = new Logger(AccountExport.name);

  constructor(
    private readonly users: Users,
    private readonly sessions: Sessions,
    private readonly tokens: OneTimeTokens,
    private readonly mail: Mail,
    private readonly addresses: TrustedNetworks,
    private readonly audit: Audit,
    private readonly claims: ExportClaims,
    private readonly quotas: Quotas,
    private readonly revocations: Revocations,
  ) {}

  /**
   * Everything stored about the user, as the text of one JSON object that is read from the database as fast as it is taken:
   * each page by a statement of its own, which no limit on the time of the request may cut short. That it was asked for is
   * part of it; what is stored after is not. Where the session ends or the database fails on the way, the stream is destroyed.
   * Throws a Problem: `rate_limited` for a second one of the account at a time and past 5 an hour, `not_found`.
   */
  async open(principal: SessionPrincipal, context: RequestContext): Promise<Readable> {
    const { userId } = principal;
    const claim = await this.claims.take(userId);
    if (!claim) throw rateLimited(1, UNDER_WAY);
    try {
      await this.quotas.export(userId);
      const user = await this.users.get(userId);
      await this.audit.record({ type: 'user.exported', actor: userActor(userId, context), userId });
      const text = exportText(
        headOf(user),
        this.lists(user, () => this.proceed(principal, claim)),
      );
      const stream = Readable.from(text, { objectMode: false });
      stream.once('error', (error) => this.logger.warn(`An export was broken off: ${error.message}`));
      // However it ends, and also where nobody ever began to read.
      stream.once('close', () => void this.release(claim));
      return stream;
    } catch (error) {
      await this.release(claim);
      throw error;
    }
  }

  private lists({ id, email }: UserRow, proceed: () => Promise<void>): Lists {
    const pages = <Row>(read: ReadPage<Row>) =>
      pagesOf<Row>(
        // It is read when the receiver is ready for it, long after the request has had its time.
        (limit, after) =>
          withoutDeadline(async () => {
            await proceed();
            return read(limit, after);
          }),
        PAGE,
      );
    return {
      sessions: pages<StoredSession>((limit, after) => this.sessions.storedOf(id, limit, after)),
      mailedLinks: mapPages(
        pages<StoredToken>((limit, after) => this.tokens.storedOf(id, limit, after)),
        ({ purpose, email, createdAt, expiresAt }) => ({ purpose, email, createdAt, expiresAt }),
      ),
      mails: mapPages(
        pages<StoredMail>((limit, after) => this.mail.storedFor(email, limit, after)),
        ({ subject, at }) => (subject === null ? null : { subject, createdAt: at }),
      ),
      knownAddresses: pages<KnownNetwork>((limit, after) => this.addresses.storedOf(id, limit, after)),
      activity: pages<AuditEntry>((limit, after) => this.audit.activityOf(id, limit, after)),
    };
  }

  /** Before each page. New roles take nothing from the right to one's own data; the end of the session does. */
  private async proceed(principal: SessionPrincipal, claim: ExportClaim): Promise<void> {
    const refusal = this.revocations.isSynchronized
      ? this.revocations.refusal(principal)
      : await this.revocations.ask(principal);
    if (refusal === 'session_revoked') throw new ExportEndedError('the session was ended');
    if (!(await claim.renew())) throw new ExportEndedError('it took too long, and another one has begun');
  }

  /** What cannot be released lapses by itself. */
  private async release(claim: ExportClaim): Promise<void> {
    await withoutDeadline(() => claim.release()).catch((error) =>
      this.logger.warn(`An export could not be closed: ${error}`),
    );
  }
}

function headOf(user: UserRow): Head {
  return { exportedAt: new Date(), user: { ...toUserView(user), emailVerifiedAt: user.email_verified_at } };
}
