import { randomInt } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DatabaseListener } from '../database/listener.js';
import { InterruptibleTimer } from '../jobs/interruptible-timer.js';
import { Mail } from './mail.service.js';
import { type Claimed, Outbox } from './outbox.js';
import { AT_ONCE, Smtp, SmtpError } from './smtp.js';

const RENEW_EVERY = 3_000;
/** Milliseconds between looks at the table, for what no notification told: leases and back-offs that end. */
const POLL = 2_000;
const LONGEST_PAUSE = 10_000;
const LONGEST_BACKOFF = 6 * 3_600_000;
/** Milliseconds for mails under way when the process stops: requests are still to be finished after them. */
const GRACE = 2_000;

/**
 * The attempt after which a mail is given up. `temporary` refusals are borne for about 7 days, when no link lives any more.
 * After a `permanent` one it should not even be tried again (RFC 5321, 4.2.1), but servers say so by mistake, too.
 */
const LAST_ATTEMPT = { temporary: 40, permanent: 5 };

/**
 * Delivers the outbox. A mail is claimed by one instance at a time under a lease that it renews while it sends, so each is
 * sent once; after a crash another instance sends it. It is sent twice only where SMTP leaves doubt: the process, its
 * database or the connection is lost between the mail's last byte and the removal of its row.
 * A server that is down pauses the whole queue; a mail that it refuses, or leaves in doubt, backs off alone, and one that it
 * is slow to answer holds up no other.
 */
@Injectable()
export class Delivery implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Delivery.name);
  private readonly sleeper = new InterruptibleTimer();
  /** By id, what resolves when this process is done with a mail. */
  private readonly underWay = new Map<string, Promise<void>>();
  private renewal: NodeJS.Timeout | undefined;
  private finished = Promise.resolve();
  private stopped = false;
  /** Rounds in a row in which the server could not be reached. */
  private failures = 0;

  constructor(
    private readonly outbox: Outbox,
    private readonly mail: Mail,
    private readonly smtp: Smtp,
    listener: DatabaseListener,
  ) {
    listener.on('mail', () => this.sleeper.wake());
    listener.onResync(async () => this.sleeper.wake());
  }

  onApplicationBootstrap(): void {
    this.renewal = setInterval(() => void this.renew(), RENEW_EVERY).unref();
    this.finished = this.run();
  }

  /** Finishes what is under way, or gives it back to the outbox if the server takes too long. */
  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    this.sleeper.stop();
    const late = setTimeout(() => this.smtp.close(), GRACE);
    await this.finished;
    clearTimeout(late);
    clearInterval(this.renewal);
    this.smtp.close();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const failuresBefore = this.failures;
      const claimed = await this.round();
      if (this.failures > failuresBefore) await this.sleeper.sleepThrough(pause(this.failures));
      else if (claimed === 0) await this.sleeper.sleep(POLL);
    }
    await Promise.all(this.underWay.values());
  }

  /**
   * Hands over what is due, as far as there is room, and returns how many mails that were. While the server is down a
   * single mail finds out whether it is back.
   */
  private async round(): Promise<number> {
    const room = Math.min(this.failures > 0 ? 1 : AT_ONCE, AT_ONCE - this.underWay.size);
    const mails = room > 0 ? await this.outbox.claim(room) : [];
    const unreached: [Claimed, string][] = [];
    await Promise.all(
      mails.map(async (mail) => {
        const reason = await this.handOver(mail);
        if (reason !== null) unreached.push([mail, reason]);
      }),
    );
    const reached = unreached.length < mails.length;
    for (const [mail, reason] of unreached) {
      // A mail on which the server hangs up while it takes others waits alone, like one that it refuses.
      await this.postpone(mail, reason, reached);
      this.letGo(mail);
    }
    if (reached) {
      if (this.failures > 0) this.logger.log('The mail server takes mails again');
      this.failures = 0;
    } else if (mails.length > 0) this.failures++;
    return mails.length;
  }

  /**
   * Begins to send one mail. Resolves with null once the server has it or has had its say, whose answer is awaited apart;
   * or with why the server could not be asked.
   */
  private handOver(mail: Claimed): Promise<string | null> {
    return new Promise((resolve) => {
      const delivered = this.deliver(mail, () => resolve(null)).then((reason) => {
        if (reason === null) this.letGo(mail);
        resolve(reason);
      });
      this.underWay.set(mail.id, delivered);
    });
  }

  private letGo({ id }: Claimed): void {
    if (this.underWay.size === AT_ONCE) this.sleeper.wake();
    this.underWay.delete(id);
  }

  /** Sends one mail and settles its row. Returns why the server could not be asked, or null where it could. */
  private async deliver(mail: Claimed, onLeft: () => void): Promise<string | null> {
    try {
      const opened = this.mail.open(mail.id, mail.sealed);
      if (!opened) throw new SmtpError('sealed under another APP_SECRET', 'temporary');
      await this.smtp.send(mail.id, opened, onLeft);
    } catch (error) {
      const { message, refusal } = error instanceof SmtpError ? error : this.unexpected(error);
      if (refusal === 'unreachable') return message;
      if (mail.attempts + 1 >= LAST_ATTEMPT[refusal]) await this.giveUp(mail, message);
      else await this.postpone(mail, message, true);
      return null;
    }
    await this.remove(mail);
    return null;
  }

  private unexpected(error: unknown): SmtpError {
    this.logger.error('A mail could not be made ready', error);
    return new SmtpError('internal error', 'temporary');
  }

  /** Forgets a delivered mail. Until the database knows, the lease is renewed, so that nobody sends it again. */
  private async remove({ id }: Claimed): Promise<void> {
    while (!(await this.outbox.remove(id)) && !this.stopped) await this.sleeper.sleepThrough(500);
  }

  /** Gives a mail back: `alone`, for longer each time, or with the whole queue while the server is down. */
  private async postpone({ id, kind, attempts }: Claimed, reason: string, alone: boolean): Promise<void> {
    if (alone || this.failures === 0) this.logger.warn(`A mail (${kind}, ${id}) was not taken and waits: ${reason}`);
    await this.outbox.postpone(id, alone ? backoff(attempts + 1) : 0, reason, alone);
  }

  private async giveUp({ id, kind, attempts }: Claimed, reason: string): Promise<void> {
    this.logger.error(`A mail (${kind}, ${id}) is given up after ${attempts + 1} attempts: ${reason}`);
    await this.outbox.remove(id);
  }

  private async renew(): Promise<void> {
    if (this.underWay.size > 0) await this.outbox.renew([...this.underWay.keys()]);
  }
}

/** 1 s at first, up to 10 s. */
function pause(failures: number): number {
  return jittered(Math.min(LONGEST_PAUSE, 500 * 2 ** Math.min(failures, 10)));
}

/** 2 s, 8 s, 32 s … 6 h: long enough for greylisting, and easy on a server that has said no. */
function backoff(attempts: number): number {
  return jittered(Math.min(LONGEST_BACKOFF, 2_000 * 4 ** Math.min(attempts - 1, 10)));
}

/** Up to a quarter less, so that instances do not all come at once. */
function jittered(ms: number): number {
  return randomInt(Math.ceil(ms * 0.75), ms + 1);
}
