import { Injectable } from '@nestjs/common';
import { DatabaseFeed } from '../database/feed/database-feed.js';
import { jittered } from '../jobs/backoff.js';
import { Outbox, type OutboxItem } from '../jobs/outbox.js';
import { OutboxWorker, type Outcome } from '../jobs/outbox-worker.js';
import { Mail } from './mail.service.js';
import { AT_ONCE, Smtp, SmtpError } from './smtp.js';

const LONGEST_BACKOFF = 6 * 3_600_000;

/**
 * The attempt after which a mail is given up. `temporary` refusals are borne for about 7 days, when no link lives any more.
 * After a `permanent` one it should not even be tried again (RFC 5321, 4.2.1), but servers say so by mistake, too.
 */
const LAST_ATTEMPT = { temporary: 40, permanent: 5 };

/** Delivers the mails of the outbox over SMTP. */
@Injectable()
export class Delivery extends OutboxWorker {
  constructor(
    outbox: Outbox,
    private readonly mail: Mail,
    private readonly smtp: Smtp,
    feed: DatabaseFeed,
  ) {
    const policy = { atOnce: AT_ONCE, receiver: 'mail server', backoff, lastAttempt: LAST_ATTEMPT.temporary };
    super(outbox, policy, feed);
  }

  protected async send({ id, sealed }: OutboxItem, onLeft: () => void): Promise<Outcome> {
    const opened = this.mail.open(id, sealed);
    if (!opened) return refused('temporary', 'sealed under another APP_SECRET');
    try {
      await this.smtp.send(id, opened, onLeft);
    } catch (error) {
      if (!(error instanceof SmtpError)) throw error;
      const { message, refusal } = error;
      return refusal === 'unreachable' ? { kind: 'unreachable', reason: message } : refused(refusal, message);
    }
    return { kind: 'delivered' };
  }

  protected close(): void {
    this.smtp.close();
  }
}

function refused(refusal: keyof typeof LAST_ATTEMPT, reason: string): Outcome {
  return { kind: 'refused', reason, lastAttempt: LAST_ATTEMPT[refusal] };
}

/** 2 s, 8 s, 32 s … 6 h: long enough for greylisting, and easy on a server that has said no. */
function backoff(attempts: number): number {
  return jittered(Math.min(LONGEST_BACKOFF, 2_000 * 4 ** Math.min(attempts - 1, 10)));
}
