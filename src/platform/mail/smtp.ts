import type { SendMailOptions } from 'nodemailer';
import type { Config } from '../config/config.js';
import type { SmtpServer } from '../config/mail-settings.js';
import type { OutgoingMail } from './mail.service.js';
import { describeFault, type SendError } from './smtp-fault.js';

/** Milliseconds that the server gets: short while nothing is lost by trying again, and long once it has the mail. */
const DEADLINES = {
  /** Until it has all of one mail. */
  untilItLeaves: 60_000,
  /** For its answer after that: a client that gives up sooner sends mails twice (RFC 5321, 4.5.3.2.6). */
  forTheAnswer: 600_000,
};
const TIMEOUTS = {
  dnsTimeout: 5_000,
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: DEADLINES.forTheAnswer,
};

/** Mails under way at the same time, each on a connection of its own. */
export const AT_ONCE = 5;

/**
 * Why a mail was not taken. `unreachable`: the server cannot be reached, or takes no mail at all. The others are about this
 * mail. `temporary`: it may be taken another time, or perhaps was, where the answer got lost; `permanent`: it will not be.
 */
export type Refusal = 'unreachable' | 'temporary' | 'permanent';

/** A mail that the server did not take. The message names the fault and no address. */
export class SmtpError extends Error {
  constructor(
    reason: string,
    readonly refusal: Refusal,
  ) {
    super(reason);
  }
}

/** The link to the mail server that `SMTP_URL` names. */
export class Smtp {
  private constructor(
    private readonly config: Pick<Config, 'mail'>,
    private readonly transport: Awaited<ReturnType<typeof pooled>>,
    private readonly deadlines: typeof DEADLINES,
  ) {}

  static async open(config: Pick<Config, 'mail'>, deadlines = DEADLINES): Promise<Smtp> {
    return new Smtp(config, await pooled(config), deadlines);
  }

  /**
   * Hands one mail to the server, and calls `onLeft` when all of it has left and only the answer is missing. Throws SmtpError.
   * The same id gives the same Message-ID, by which one that was sent twice in doubt can be told.
   */
  async send(id: string, { to, subject, text, html }: OutgoingMail, onLeft = () => {}): Promise<void> {
    const { from } = this.config.mail;
    const end = new AbortController();
    let timer = setTimeout(() => end.abort(), this.deadlines.untilItLeaves);
    let left = false;
    const outgoing: Outgoing = {
      // Objects are taken as they are; a string would be parsed, and might be read as several addresses.
      from,
      to: { name: '', address: to },
      subject,
      text,
      html,
      messageId: `<${id}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
      // RFC 3834, 5: nobody's holiday notice answers it.
      headers: { 'Auto-Submitted': 'auto-generated' },
      signal: end.signal,
      onLeft: () => {
        left = true;
        clearTimeout(timer);
        timer = setTimeout(() => end.abort(), this.deadlines.forTheAnswer);
        onLeft();
      },
    };
    try {
      await this.transport.sendMail(outgoing);
    } catch (error) {
      throw toSmtpError(error as SendError, this.config.mail.smtp as SmtpServer, left);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets go of every connection; mails under way fail. */
  close(): void {
    this.transport.close({ force: true });
  }
}

/** The library is loaded only where mail is sent. */
async function pooled({ mail }: Pick<Config, 'mail'>) {
  if (!mail.smtp) throw new Error('Smtp needs SMTP_URL');
  const { host, port, auth, tls } = mail.smtp;
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    pool: true,
    host,
    port,
    auth,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    maxConnections: AT_ONCE,
    // A connection that the server closed between two mails is replaced; every other failure is ours to count.
    maxRequeues: 1,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...TIMEOUTS,
  });
  transport.use('stream', ({ data, message }, done) => {
    message.processFunc((bytes) => bytes.once('end', (data as Outgoing).onLeft));
    done();
  });
  return transport;
}

/** A mail as the library takes it; what it does not know it leaves alone. */
interface Outgoing extends SendMailOptions {
  /** Called when the connection has all of the mail. */
  onLeft(): void;
}

/**
 * RFC 5321, 4.2.1: an answer to the recipient or to the text is about this mail, all else about the server. Whatever goes
 * wrong after the text is about this mail too: it may have been taken, and must not go again and again.
 */
function toSmtpError(error: SendError, server: SmtpServer, left: boolean): SmtpError {
  const { code, command, responseCode, permanent } = error;
  const aboutTheMail = (code === 'EENVELOPE' || code === 'EMESSAGE') && responseCode !== 421 && command !== 'MAIL FROM';
  const reason = describeFault(error, server, left);
  if (!left && !aboutTheMail) return new SmtpError(reason, 'unreachable');
  return new SmtpError(reason, permanent ? 'permanent' : 'temporary');
}
