import type { Config } from '../config/config.js';
import type { OutgoingMail } from './mail.service.js';

/** Milliseconds. A server is waited for, but not for long: the mail is kept and tried again. */
const TIMEOUTS = { dnsTimeout: 5_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 };
/** Milliseconds for one mail in all, so that a server that trickles its replies does not hold a connection for ever. */
const PATIENCE = 60_000;

/**
 * A mail that the server did not take. `refused`: it answered and will not have this one;
 * otherwise it cannot be reached or takes no mail at all. The message names the fault and no address.
 */
export class SmtpError extends Error {
  constructor(
    reason: string,
    readonly refused: boolean,
  ) {
    super(reason);
  }
}

/** The link to the mail server that `SMTP_URL` names. */
export class Smtp {
  private constructor(
    private readonly config: Pick<Config, 'mail'>,
    private readonly transport: Awaited<ReturnType<typeof pooled>>,
  ) {}

  static async open(config: Pick<Config, 'mail'>): Promise<Smtp> {
    return new Smtp(config, await pooled(config));
  }

  /**
   * Hands one mail to the server. Throws SmtpError.
   * The same id gives the same Message-ID, by which one that was sent twice in doubt can be told.
   */
  async send(id: string, { to, subject, text, html }: OutgoingMail): Promise<void> {
    const { from } = this.config.mail;
    const messageId = `<${id}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`;
    try {
      await this.transport.sendMail({
        // Objects are taken as they are; a string would be parsed, and might be read as several addresses.
        from,
        to: { name: '', address: to },
        subject,
        text,
        html,
        messageId,
        // RFC 3834, 5: nobody's holiday notice answers it.
        headers: { 'Auto-Submitted': 'auto-generated' },
        signal: AbortSignal.timeout(PATIENCE),
      });
    } catch (error) {
      throw toSmtpError(error as NodeJS.ErrnoException & { responseCode?: number; command?: string });
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
  return createTransport({
    pool: true,
    host,
    port,
    auth,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    maxConnections: 5,
    // A connection that the server closed between two mails is replaced; every other failure is ours to count.
    maxRequeues: 1,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...TIMEOUTS,
  });
}

/** RFC 5321, 4.2.1: an answer to the recipient or to the text is about this mail, all else about the server. */
function toSmtpError({ code, responseCode, command }: { code?: string; responseCode?: number; command?: string }) {
  const aboutTheMail = (code === 'EENVELOPE' || code === 'EMESSAGE') && responseCode !== 421 && command !== 'MAIL FROM';
  return new SmtpError([code ?? 'unknown', command, responseCode].filter(Boolean).join(' '), aboutTheMail);
}
