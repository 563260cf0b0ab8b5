import type { Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { Certificates } from '../../../test/support/certificates.js';
import type { Config } from '../config/config.js';
import { parseSmtpUrl, type SmtpServer } from '../config/mail-settings.js';
import { AT_ONCE, Smtp, SmtpError } from './smtp.js';
import { describeFault, type SendError } from './smtp-fault.js';

const MAIL = { to: 'ada@example.com', subject: 'Hello', text: 'Hello', html: '<p>Hello</p>' };

let server: SMTPServer;
let smtp: Smtp;
let sources: string[];
let sockets: Socket[];

/** Ends every connection of the server without a word. */
const hangUp = () => {
  for (const socket of sockets) socket.destroy();
};

/** A server on loopback, and the link to it under the given rule about TLS and with so many milliseconds of deadlines. */
async function serve(
  tls: SmtpServer['tls'],
  options: SMTPServerOptions,
  deadlines = { untilItLeaves: 10_000, forTheAnswer: 10_000 },
  login = '',
): Promise<void> {
  sources = [];
  sockets = [];
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
  server.server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as { port: number };
  const mail = {
    // STARTTLS is not demanded of this very machine, unless by hand.
    smtp: { ...parseSmtpUrl(`${tls === 'implicit' ? 'smtps' : 'smtp'}://${login}127.0.0.1:${port}`), tls },
    from: { name: 'G', address: 'g@example.com' },
  };
  smtp = await Smtp.open({ mail } as unknown as Config, deadlines);
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
  expect((await failure()).refusal).toBe('unreachable');
  expect(sources).toEqual([]);
});

test('what the server says of one mail is told from what it says of all, and repeats no address', async () => {
  const refuse = (responseCode: number) => Object.assign(new Error('no ada@example.com here'), { responseCode });
  await serve('none', {
    onMailFrom: ({ address }, _session, callback) => callback(address === 'g@example.com' ? null : refuse(550)),
    onRcptTo: ({ address }, _session, callback) => {
      if (address.startsWith('unknown')) return callback(refuse(550));
      if (address.startsWith('full')) return callback(refuse(452));
      if (address.startsWith('busy')) return callback(refuse(421));
      callback(null);
    },
  });
  const faults: [string, string, string][] = [
    ['unknown@example.com', 'permanent', 'the mail server does not take this recipient (EENVELOPE RCPT TO 550)'],
    ['full@example.com', 'temporary', 'the mail server does not take this recipient (EENVELOPE RCPT TO 452)'],
  ];
  for (const [to, refusal, message] of faults)
    expect(await failure({ ...MAIL, to })).toMatchObject({ refusal, message });
  expect((await failure({ ...MAIL, to: 'busy@example.com' })).refusal).toBe('unreachable');
});

describe('the reason that stands in the log', () => {
  const told = async () => (await failure()).message;
  const certificates = new Certificates();
  afterAll(() => certificates.remove());

  test.each<[string, SmtpServer['tls'], SMTPServerOptions, RegExp]>([
    [
      'a certificate of no known authority',
      'implicit',
      { secure: true, ...certificates.pair },
      /from no authority .*NODE_EXTRA_CA_CERTS/,
    ],
    ['the same by STARTTLS', 'starttls', certificates.pair, /from no authority .*NODE_EXTRA_CA_CERTS/],
    ['a plain server on smtps', 'implicit', {}, /does not begin with TLS: use smtp:\/\//],
    [
      'no STARTTLS where it is demanded',
      'starttls',
      { disabledCommands: ['STARTTLS'] },
      /offers no STARTTLS: use smtps:\/\//,
    ],
    ['a sender that is refused', 'none', { onMailFrom: (_a, _s, done) => done(new Error('no')) }, /check MAIL_FROM/],
  ])('%s', async (_, tls, options, sentence) => {
    await serve(tls, options);
    expect(await told()).toMatch(sentence);
  });

  test('a login that is refused, without its password', async () => {
    const onAuth: SMTPServerOptions['onAuth'] = (_auth, _session, done) => done(new Error('no hunter2 here'));
    await serve('none', { onAuth, authOptional: false, allowInsecureAuth: true }, undefined, 'ada:hunter2@');
    expect(await told()).toMatch(/^the mail server refuses the user or password in SMTP_URL \(EAUTH AUTH PLAIN 535\)$/);
  });

  test('a closed port', async () => {
    await serve('none', {});
    await new Promise<void>((resolve) => server.close(() => resolve()));
    expect(await told()).toMatch(/^nothing takes connections at 127\.0\.0\.1:\d+: check the port .*ECONNREFUSED/);
  });
});

test.each<[string, SendError, RegExp]>([
  [
    'a name that is not found',
    { code: 'EDNS', originalCode: 'ENOTFOUND' },
    /no mail server of the name mail\.test is found/,
  ],
  ['a name that cannot be looked up', { code: 'EDNS' }, /no mail server of the name/],
  [
    'no greeting',
    { code: 'ETIMEDOUT', timeoutType: 'GREETING_TIMEOUT', command: 'CONN' },
    /sends no greeting; .*smtps/,
  ],
  [
    'no connection',
    { code: 'ETIMEDOUT', timeoutType: 'CONNECT_TIMEOUT', command: 'CONN' },
    /does not answer: check host/,
  ],
  [
    'a certificate for another name',
    { code: 'ESOCKET', originalCode: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    /for another name/,
  ],
  ['a certificate that has expired', { code: 'ESOCKET', originalCode: 'CERT_HAS_EXPIRED' }, /has expired/],
  ['another program', { code: 'EPROTOCOL', command: 'CONN' }, /is no mail server/],
  ['a server that hangs up', { code: 'ECONNECTION', command: 'CONN' }, /hung up/],
  ['anything else', {}, /^the connection to mail\.test:25 broke \(unknown\)$/],
])('the reason is one sentence: %s', (_, error, sentence) => {
  expect(describeFault(error, { host: 'mail.test', port: 25, tls: 'starttls' }, false)).toMatch(sentence);
});

/** What a server does with a mail that it has. */
type Answer = (done: (error?: Error) => void) => void;

const answering = (answer: Answer): SMTPServerOptions => ({
  onData: (stream, _session, done) => {
    stream.resume();
    stream.on('end', () => answer(done));
  },
});

test('the answer to a mail is waited for longer than the mail took (RFC 5321, 4.5.3.2.6)', async () => {
  let onLeft: () => void = () => undefined;
  const left = new Promise<void>((resolve) => (onLeft = resolve));
  const untilItLeaves = 500;
  const slow: Answer = (done) => void left.then(() => setTimeout(done, 2 * untilItLeaves));
  await serve('none', answering(slow), { untilItLeaves, forTheAnswer: 60_000 });
  await smtp.send('id', MAIL, onLeft);
});

test.each<[string, string, Answer]>([
  ['no answer', 'temporary', () => undefined],
  ['a lost connection', 'temporary', () => hangUp()],
  ['a server that closes', 'temporary', (done) => done(Object.assign(new Error('closing'), { responseCode: 421 }))],
  ['a passing fault', 'temporary', (done) => done(Object.assign(new Error('busy'), { responseCode: 451 }))],
  ['a lasting fault', 'permanent', (done) => done(Object.assign(new Error('spam'), { responseCode: 554 }))],
])('%s after a mail has left is about this mail, which may have been taken', async (_, refusal, answer) => {
  await serve('none', answering(answer), { untilItLeaves: 10_000, forTheAnswer: 300 });
  expect((await failure()).refusal).toBe(refusal);
});

test('a server that falls silent before is away, and its connections are free again', async () => {
  let silent = true;
  await serve(
    'none',
    { onRcptTo: (_address, _session, callback) => void (silent || callback()) },
    { untilItLeaves: 200, forTheAnswer: 10_000 },
  );
  const failures = await Promise.all(Array.from({ length: AT_ONCE }, () => failure()));
  expect(new Set(failures.map(({ refusal }) => refusal))).toEqual(new Set(['unreachable']));
  silent = false;
  await smtp.send('id', MAIL);
  expect(sources).toHaveLength(1);
});

test('a server that is not there refuses no mail', async () => {
  await serve('none', {});
  await new Promise<void>((resolve) => server.close(() => resolve()));
  expect((await failure()).refusal).toBe('unreachable');
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
