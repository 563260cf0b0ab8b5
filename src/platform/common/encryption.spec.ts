import { randomBytes } from 'node:crypto';
import { decrypt, encrypt } from './encryption.js';

const key = randomBytes(32);
const secret = Buffer.from('the private half of a key');

test('comes back as it was, of any length', () => {
  for (const plain of [secret, Buffer.alloc(0), randomBytes(5000)])
    expect(decrypt(encrypt(plain, key, 'here'), key, 'here')).toEqual(plain);
});

test('with one bit changed anywhere it opens no more (ASVS 5.0 V11.3.3)', () => {
  const sealed = encrypt(secret, key, 'here');
  for (let at = 0; at < sealed.length; at++) {
    for (const bit of [1, 0x80]) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ bit;
      expect(decrypt(changed, key, 'here')).toBeNull();
    }
  }
});

test('cut short, extended, with another key or in another place it does not open', () => {
  const sealed = encrypt(secret, key, 'here');
  for (let length = 0; length < sealed.length; length++)
    expect(decrypt(sealed.subarray(0, length), key, 'here')).toBeNull();
  expect(decrypt(Buffer.concat([sealed, Buffer.alloc(1)]), key, 'here')).toBeNull();
  expect(decrypt(sealed, randomBytes(32), 'here')).toBeNull();
  for (const place of ['', 'Here', 'here ', 'there']) expect(decrypt(sealed, key, place)).toBeNull();
});

test('no two are alike: a nonce is never used twice (ASVS 5.0 V11.3.4)', () => {
  const nonces = new Set(Array.from({ length: 20_000 }, () => encrypt(secret, key, 'here').toString('hex', 0, 12)));
  expect(nonces.size).toBe(20_000);
});

test('nothing of what is inside can be read from outside', () => {
  expect(encrypt(secret, key, 'here').includes(secret.subarray(0, 8))).toBe(false);
});
