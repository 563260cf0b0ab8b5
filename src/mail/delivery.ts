import { randomInt, randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '../database/database.js';
import { DatabaseListener } from '../database/listener.js';
import { Mail } from './mail.service.js';
import { CLAIM, POSTPONE, REMOVE, RENEW } from './mail-store.js';
import { Sleeper } from './sleeper.js';
import { Smtp, SmtpError } from './smtp.js';

/** Milliseconds after which the mails of an instance that died are taken over by another. */
const LEASE = 10_000;
const RENEW_EVERY = 3_000;
/** Milliseconds between looks at the table, for what no notification told: leases and back-offs that end. */
const POLL = 2_000;
const BATCH = 10;
const LONGEST_PAUSE = 10_000;
const LONGEST_BACKOFF = 6 * 3_600_000;
/** Milliseconds for mails under way when the process stops: requests are still to be finished after them. */
const GRACE = 2_000;

interface Claimed {
  id: string;
  kind: string;
  sealed: Buffer;
  /** How often the server would not take this very mail. */
  attempts: number;
  /** Longer in the outbox than any link lives. */
  tooOld: boolean;
}

/**
 * Delivers the outbox. A mail is claimed by one instance at a time under a lease that it renews while it sends, so each is
 * sent once; after a crash another instance sends it. It is sent twice only where SMTP leaves doubt: the process, its
 * database or the connection is lost between the mail's last byte and the removal of its row.
 * A server that is down pauses the whole queue; a mail that it refuses backs off alone.
 */
@Injectable()
export class Delivery implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Delivery.name);
  private readonly sleeper = new Sleeper();
  private readonly underWay = new Set<string>();
  /** Whose claims are this process's. */
  private readonly me = randomUUID();
  private renewal: NodeJS.Timeout | undefined;
  private finished = Promise.resolve();
  private stopped = false;
  /** Rounds in a row in which the server could not be reached. */
  private failures = 0;

  constructor(
    private readonly database: Database,
    private readonly mail: Mail,
    private readonly smtp: Smtp,
    listener: DatabaseListener,
  ) {
    listener.on('mail', () => this.sleeper.wake());
    listener.onCatchUp(async () => this.sleeper.wake());
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
      const claimed = await this.round().catch(() => 0);
      if (this.failures > failuresBefore) await this.sleeper.sleepThrough(pause(this.failures));
      else if (claimed === 0) await this.sleeper.sleep(POLL);
    }
  }

  /** Sends what is due, and returns how many that were. While the server is down a single mail finds out whether it is back. */
  private async round(): Promise<number> {
    const mails = await this.database.run<Claimed>(CLAIM, [this.failures > 0 ? 1 : BATCH, LEASE, this.me]);
    for (const { id } of mails) this.underWay.add(id);
    const unreached: [Claimed, string][] = [];
    await Promise.all(
      mails.map(async (mail) => {
        const reason = await this.deliver(mail);
        if (reason === null) this.underWay.delete(mail.id);
        else unreached.push([mail, reason]);
      }),
    );
    const reached = unreached.length < mails.length;
    // A mail on which the server hangs up while it takes others waits alone, like one that it refuses.
    for (const [mail, reason] of unreached) await this.postpone(mail, reason, reached);
    if (reached) {
      if (this.failures > 0) this.logger.log('The mail server takes mails again');
      this.failures = 0;
    } else if (mails.length > 0) this.failures++;
    return mails.length;
  }

  /** Sends one mail and settles its row. Returns why the server could not be asked, or null where it answered. */
  private async deliver(mail: Claimed): Promise<string | null> {
    try {
      const opened = this.mail.open(mail.id, mail.sealed);
      if (!opened) throw new SmtpError('sealed under another APP_SECRET', true);
      await this.smtp.send(mail.id, opened);
    } catch (error) {
      const { message, refused } = error instanceof SmtpError ? error : this.unexpected(error);
      if (!refused) return message;
      if (mail.tooOld) await this.giveUp(mail, message);
      else await this.postpone(mail, message, true);
      return null;
    }
    await this.remove(mail.id);
    return null;
  }

  private unexpected(error: unknown): SmtpError {
    this.logger.error('A mail could not be made ready', error);
    return new SmtpError('internal error', true);
  }

  /** Forgets a delivered mail. Until the database knows, the lease is renewed, so that nobody sends it again. */
  private async remove(id: string): Promise<void> {
    while (
      !(await this.database.manager.query(REMOVE, [id, this.me]).then(
        () => true,
        () => false,
      ))
    ) {
      if (this.stopped) return;
      await this.sleeper.sleepThrough(500);
    }
  }

  /** Gives a mail back: `alone`, for longer each time, or with the whole queue while the server is down. */
  private async postpone({ id, kind, attempts }: Claimed, reason: string, alone: boolean): Promise<void> {
    if (alone || this.failures === 0) this.logger.warn(`A mail (${kind}, ${id}) was not taken and waits: ${reason}`);
    // Where the lease cannot be given back, it ends by itself.
    await this.database.manager
      .query(POSTPONE, [id, alone ? backoff(attempts + 1) : 0, reason, this.me, alone])
      .catch(() => undefined);
    this.underWay.delete(id);
  }

  private async giveUp({ id, kind }: Claimed, reason: string): Promise<void> {
    this.logger.error(`A mail (${kind}, ${id}) could not be delivered for 7 days and is given up: ${reason}`);
    await this.database.manager.query(REMOVE, [id, this.me]).catch(() => undefined);
  }

  private async renew(): Promise<void> {
    if (this.underWay.size === 0) return;
    await this.database.manager.query(RENEW, [[...this.underWay], LEASE, this.me]).catch(() => undefined);
  }
}

/** 1 s to 10 s, not the same for every instance. */
function pause(failures: number): number {
  return jittered(Math.min(LONGEST_PAUSE, 500 * 2 ** Math.min(failures, 10)));
}

/** 2 s, 8 s, 32 s … 6 h: long enough for greylisting, and easy on a mailbox that does not exist. */
function backoff(attempts: number): number {
  return jittered(Math.min(LONGEST_BACKOFF, 2_000 * 4 ** Math.min(attempts - 1, 10)));
}

function jittered(ms: number): number {
  return randomInt(Math.floor(ms * 0.75), Math.ceil(ms * 1.25) + 1);
}
