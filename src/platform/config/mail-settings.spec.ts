import { loadConfig } from './config.js';
import { parseSender, parseSmtpUrl } from './mail-settings.js';

describe('SMTP_URL', () => {
  test.each([
    ['smtps://mail.example.com', { host: 'mail.example.com', port: 465, tls: 'implicit', auth: undefined }],
    [
      'smtps://ada%40example.com:p%40ss%3Aword@mail.example.com:4650',
      { port: 4650, auth: { user: 'ada@example.com', pass: 'p@ss:word' } },
    ],
    ['smtp://mail.example.com', { port: 587, tls: 'starttls' }],
    ['smtp://mail.example.com:25', { port: 25, tls: 'starttls' }],
    ['smtp://relay:25?ignoreTLS=true', { host: 'relay', tls: 'none' }],
    ['smtp://relay:25?ignoreTLS=false', { tls: 'starttls' }],
    ['smtp://localhost:1025', { tls: 'none' }],
    ['smtp://127.0.0.1:1025', { tls: 'none' }],
    ['smtp://[::1]:1025', { host: '::1', tls: 'none' }],
    ['smtp://127.0.0.1.evil.example', { tls: 'starttls' }],
    ['smtps://localhost', { tls: 'implicit' }],
  ])('%s', (url, expected) => {
    expect(parseSmtpUrl(url)).toMatchObject(expected);
  });

  test.each([
    'mail.example.com',
    'http://mail.example.com',
    'smtp://',
    'smtps://mail.example.com?tls.rejectUnauthorized=false',
    'smtps://mail.example.com?secure=false',
  ])('%s is refused', (url) => {
    expect(() => parseSmtpUrl(url)).toThrow();
  });

  test('a fault does not repeat the password', () => {
    expect(() => parseSmtpUrl('smtp://ada:secret@mail.example.com?x=1')).toThrow(/^(?!.*secret)/);
  });
});

describe('MAIL_FROM', () => {
  test.each([
    ['no-reply@example.com', { name: undefined, address: 'no-reply@example.com' }],
    ['Example <no-reply@example.com>', { name: 'Example', address: 'no-reply@example.com' }],
    ['<no-reply@example.com>', { name: undefined, address: 'no-reply@example.com' }],
  ])('%s', (text, expected) => {
    expect(parseSender(text)).toEqual(expected);
  });

  test.each(['', 'example.com', 'a@b, c@d', 'Ex\nBcc: x@y <a@b>', 'a@b <c@d', 'A <a@b> <c@d>'])(
    '%j is refused',
    (text) => {
      expect(parseSender(text)).toBeNull();
    },
  );
});

describe('the settings about mail', () => {
  const load = (env: Record<string, string>) =>
    loadConfig({ APP_SECRET: 'only-for-tests-0123456789-abcdefghijklmnop', ...env });

  test.each([
    [{}, 'development outbox', false],
    [{ EMAIL_VERIFICATION: 'required' }, 'development outbox', true],
    [{ SMTP_URL: 'smtps://mail.example.com' }, 'smtp', true],
    [{ SMTP_URL: 'smtps://mail.example.com', EMAIL_VERIFICATION: 'optional' }, 'smtp', false],
    [{ NODE_ENV: 'production' }, 'none', false],
  ])('%j', (env, delivery, requiresVerifiedEmail) => {
    const config = load(env);
    expect([config.mail.delivery, config.requiresVerifiedEmail]).toEqual([delivery, requiresVerifiedEmail]);
  });

  test('a sender comes from the name of the application and PUBLIC_URL, unless MAIL_FROM says another', () => {
    const env = { PUBLIC_URL: 'https://auth.example.com', APP_NAME: 'Example' };
    expect(load(env).mail.from).toEqual({ name: 'Example', address: 'no-reply@auth.example.com' });
    expect(load({ ...env, MAIL_FROM: 'Us <us@example.com>' }).mail.from).toEqual({
      name: 'Us',
      address: 'us@example.com',
    });
  });

  test.each([
    [{ EMAIL_VERIFICATION: 'perhaps' }, 'EMAIL_VERIFICATION must be optional or required'],
    [{ SMTP_URL: 'mail.example.com' }, 'SMTP_URL must be a URL'],
    [{ MAIL_FROM: 'nobody' }, 'MAIL_FROM must be an address'],
    [{ APP_NAME: 'two\nlines' }, 'APP_NAME must be'],
  ])('%j is refused', (env, sentence) => {
    expect(() => load(env as Record<string, string>)).toThrow(sentence);
  });
});
