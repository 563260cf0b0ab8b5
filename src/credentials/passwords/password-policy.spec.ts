import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { PasswordPolicy } from './password-policy.js';

const policy = new PasswordPolicy({});
const ada = { email: 'Ada.Lovelace@example.com', username: 'Countess1815' };

describe('length', () => {
  it.each([
    ['', 'at least 8'],
    ['vW3$kq9', 'at least 8'],
    ['🙂🙃🙂🙃🙂🙃🙂', 'at least 8'],
    ['vẅvẅvẅv'.normalize('NFD'), 'at least 8'],
    ['🙂🙃'.repeat(128).concat('x'), 'at most 256'],
    ['x'.repeat(100_000), 'at most 256'],
    ['\ud800 a lone surrogate', 'valid Unicode'],
    ['a lone surrogate \udc00', 'valid Unicode'],
  ])('refuses %j', (password, detail) => {
    expect(policy.check(password, ada)).toEqual({ code: 'invalid_request', detail: expect.stringContaining(detail) });
  });

  it.each([
    ['vW3$kq9!'],
    ['🙂🙃😀😁😂😃😄😅'],
    ['vẅvẅvẅvẅ'.normalize('NFD')],
    ['🙂🙃'.repeat(128)],
    ['각ệ'.repeat(128).normalize('NFD')],
    ['with spaces and a \0 NUL'],
    ['zzqvwwzzqvwwk'],
  ])('accepts %j', (password) => {
    expect(policy.check(password, ada)).toBeNull();
  });

  it('follows the configured least length', () => {
    expect(new PasswordPolicy({ minLength: 12 }).check('vW3$kq9!vW3', ada)?.detail).toContain('at least 12');
    expect(new PasswordPolicy({ minLength: 4 }).check('vW3$', ada)).toBeNull();
    for (const minLength of [0, 257, 8.5]) expect(() => new PasswordPolicy({ minLength })).toThrow(RangeError);
  });
});

describe('what an attacker tries first', () => {
  it.each([
    'password1',
    'PassWord1',
    '12345678',
    'qwertyuiop',
    'iloveyou1',
    'ILOVEYOU1',
    'football1',
    'P@ssw0rd',
    'gatehouse',
    'Gatehouse123!',
    '!!GATEHOUSE',
    'ada.lovelace@example.com',
    'ADA.LOVELACE',
    'countess1815',
  ])('refuses %j', (password) => {
    expect(policy.check(password, ada)?.code).toBe('password_too_common');
  });

  it('compares with the name in NFC', () => {
    const username = 'Ünïcödë-ñämé'.normalize('NFD');
    expect(policy.check('üNÏCÖDË-ñämé'.normalize('NFC'), { username })?.code).toBe('password_too_common');
  });

  it.each([
    [{}],
    [{ email: null, username: null }],
    [{ email: 'bob@example.com', username: 'bob' }],
    [{ email: 'not an address', username: '' }],
  ])('accepts the name of somebody else, for %j', (context) => {
    expect(policy.check('Countess1815', context)).toBeNull();
  });

  it.each(['gatehousekeeper', 'the gatehouse by the lake', 'password1 password1 x', 'xx-Countess1815'])(
    'accepts %j, which only contains such a word',
    (password) => {
      expect(policy.check(password, ada)).toBeNull();
    },
  );

  it('refuses short ones where they are allowed', () => {
    const lax = new PasswordPolicy({ minLength: 1 });
    for (const password of ['123456', 'dragon', 'LetMeIn', 'qwerty']) {
      expect(lax.check(password, {})?.code).toBe('password_too_common');
    }
  });

  it('accepts 10 000 random passwords of 16 characters', () => {
    const refused = Array.from({ length: 10_000 }, () => randomBytes(12).toString('base64url')).filter(
      (password) => policy.check(password, ada) !== null,
    );
    expect(refused).toEqual([]);
  });

  it('throws the fault as a Problem about the field that holds the password', () => {
    const refusing = () => policy.assertAcceptable('dragon123', ada, '/newPassword');
    expect(refusing).toThrow(
      expect.objectContaining({
        code: 'password_too_common',
        errors: [expect.objectContaining({ pointer: '/newPassword' })],
      }),
    );
    expect(() => policy.assertAcceptable('short', ada)).toThrow(
      expect.objectContaining({ code: 'invalid_request', errors: [expect.objectContaining({ pointer: '/password' })] }),
    );
    expect(() => policy.assertAcceptable('violet tractor under snow', ada)).not.toThrow();
  });

  it('never throws, and tells the person what to do', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.string(),
        fc.string(),
        (password, email, username) => {
          const fault = policy.check(password, { email, username });
          if (fault !== null)
            expect(fault.detail).toMatch(/^(Use at (least|most)|The password must not|This password is)/);
        },
      ),
    );
  });
});
