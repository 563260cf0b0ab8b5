import type { Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { freePort } from './free-port.js';
import type { Api } from './gatehouse.js';
import type { Schemas } from './schemas.js';
import { waitFor } from './wait-for.js';

/** A mail of the development outbox. */
export type OutboxMail = Schemas['DevOutbox']['items'][number];

/** The mails of the development outbox to an address, newest first. */
export async function mailsTo(gatehouse: Api, address: string): Promise<OutboxMail[]> {
  // It waits for the work of others, too, and says 503 where the database has too much of that.
  const { body } = await waitFor(() => gatehouse.call<Schemas['DevOutbox']>('GET', '/dev/outbox'), {
    until: ({ status }) => status !== 503,
  });
  return body.items.filter(({ to }) => to === address);
}

/** The token of the newest mail to an address; throws where there is none. */
export async function tokenFor(gatehouse: Api, address: string): Promise<string> {
  const [mail] = await mailsTo(gatehouse, address);
  if (!mail?.token) throw new Error(`no mail with a token to ${address}: ${JSON.stringify(mail)}`);
  return mail.token;
}

/** A mail as a server took it. */
export interface ReceivedMail {
  id: string;
  from: string;
  to: string[];
  source: string;
  at: number;
}

/** A real SMTP server on loopback that keeps what it takes. */
export class Postbox {
  readonly mails: ReceivedMail[] = [];
  private server: SMTPServer | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(readonly port: number) {}

  /** Reserves a port; the server is down until `open`. */
  static async reserve(): Promise<Postbox> {
    return new Postbox(await freePort());
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  async open(options: SMTPServerOptions = {}): Promise<void> {
    const server = new SMTPServer({
      authOptional: true,
      // Nor its warning that the certificate is for tests.
      logger: false,
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          this.take(Buffer.concat(chunks).toString(), session.envelope);
          callback();
        });
      },
      ...options,
    });
    server.on('error', () => undefined);
    server.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', () => resolve()));
    this.server = server;
  }

  /** Keeps a mail, for handlers of a test's own. */
  take(source: string, { mailFrom, rcptTo }: { mailFrom: unknown; rcptTo: { address: string }[] }): void {
    this.mails.push({
      id: /^message-id: <([^@>]+)/im.exec(source)?.[1] ?? '',
      from: (mailFrom as { address: string }).address,
      to: rcptTo.map(({ address }) => address),
      source,
      at: Date.now(),
    });
  }

  /** Breaks every connection without a word. */
  hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Takes the server down, as a crash would. */
  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.hangUp();
    await closed;
  }
}
