import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Config } from '../config/config.js';
import type { SmtpServer } from '../config/mail-settings.js';
import { Smtp, SmtpError } from './smtp.js';

const MAIL = { to: 'ada@example.com', subject: 'Hello', text: 'Hello', html: '<p>Hello</p>' };

let server: SMTPServer;
let smtp: Smtp;
let sources: string[];

/** A server on loopback, and the link to it under the given rule about TLS. */
async function serve(tls: SmtpServer['tls'], options: SMTPServerOptions): Promise<void> {
  sources = [];
  server = new SMTPServer({
    authOptional: true,
    logger: false,
    onData: (stream, _session, callback) => {
      let source = '';
      stream.on('data', (chunk) => (source += chunk));
      stream.on('end', () => {
        sources.push(source);
        callback();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as { port: number };
  const mail = {
    smtp: { host: '127.0.0.1', port, auth: undefined, tls },
    from: { name: 'G', address: 'g@example.com' },
  };
  smtp = await Smtp.open({ mail } as unknown as Config);
}

afterEach(async () => {
  smtp.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

async function failure(mail = MAIL): Promise<SmtpError> {
  const error = await smtp.send('id', mail).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SmtpError)) throw new Error(`no SmtpError but ${error}`);
  return error;
}

test('the same id gives the same Message-ID', async () => {
  await serve('none', {});
  await smtp.send('0199', MAIL);
  await smtp.send('0199', MAIL);
  expect(sources.map((source) => /^Message-ID: (.*)\r$/im.exec(source)?.[1])).toEqual([
    '<0199@example.com>',
    '<0199@example.com>',
  ]);
});

test.each([
  ['a server without STARTTLS where it is demanded', 'starttls', { disabledCommands: ['STARTTLS'] }],
  ['a certificate that nobody vouches for, by STARTTLS', 'starttls', {}],
  ['a certificate that nobody vouches for, from the first byte', 'implicit', { secure: true }],
] as const)('%s gets no mail, which waits for a better server', async (_, tls, options) => {
  await serve(tls, {
    ...options,
    disabledCommands: [...('disabledCommands' in options ? options.disabledCommands : [])],
  });
  expect((await failure()).refused).toBe(false);
  expect(sources).toEqual([]);
});

test('what the server says of one mail is told from what it says of all, and repeats no address', async () => {
  const refuse = (responseCode: number) => Object.assign(new Error('no ada@example.com here'), { responseCode });
  await serve('none', {
    onMailFrom: ({ address }, _session, callback) => callback(address === 'g@example.com' ? null : refuse(550)),
    onRcptTo: ({ address }, _session, callback) => {
      if (address.startsWith('unknown')) return callback(refuse(550));
      if (address.startsWith('busy')) return callback(refuse(421));
      callback(null);
    },
  });
  const unknown = await failure({ ...MAIL, to: 'unknown@example.com' });
  expect([unknown.refused, unknown.message]).toEqual([true, 'EENVELOPE RCPT TO 550']);
  expect((await failure({ ...MAIL, to: 'busy@example.com' })).refused).toBe(false);
});

test('a server that is not there refuses no mail', async () => {
  await serve('none', {});
  await new Promise<void>((resolve) => server.close(() => resolve()));
  expect((await failure()).refused).toBe(false);
});

test.each(['a@example.com\r\nBcc: b@example.com', 'a@example.com, b@example.com', 'Name <b@example.com>'])(
  'an address that is more than one goes to nobody else: %j',
  async (to) => {
    const recipients: string[] = [];
    await serve('none', {
      onRcptTo: ({ address }, _session, callback) => {
        recipients.push(address);
        callback();
      },
    });
    await smtp.send('id', { ...MAIL, to }).catch(() => undefined);
    expect(recipients).not.toContain('b@example.com');
    expect(sources.join('')).not.toMatch(/^Bcc:/im);
  },
);
