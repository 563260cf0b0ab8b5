import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { newId } from '../platform/common/id.js';
import { hashSessionSecret, newSessionSecret, readRefreshToken, writeRefreshToken } from './refresh-token.js';

const key = randomBytes(32);
const claim = fc.record({
  sessionId: fc.uuid(),
  counter: fc.nat(0xffffffff),
  secret: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
});

test('what is written is read again, and written again alike: the successor can be made twice', () => {
  fc.assert(
    fc.property(claim, (written) => {
      const token = writeRefreshToken(written, key);
      expect(token).toMatch(/^grt_[\w-]{112}$/);
      expect(readRefreshToken(token, key)).toEqual(written);
      expect(writeRefreshToken(written, key)).toBe(token);
    }),
  );
});

test('two tokens are alike only when session, counter and secret are', () => {
  fc.assert(
    fc.property(claim, claim, (one, other) => {
      fc.pre(one.sessionId !== other.sessionId || one.counter !== other.counter || !one.secret.equals(other.secret));
      expect(writeRefreshToken(one, key)).not.toBe(writeRefreshToken(other, key));
    }),
  );
});

test('under another key, or with one character changed, it is none of ours', () => {
  fc.assert(
    fc.property(claim, fc.nat(115), fc.string({ minLength: 1, maxLength: 1 }), (written, at, character) => {
      const token = writeRefreshToken(written, key);
      expect(readRefreshToken(token, randomBytes(32))).toBeNull();
      const changed = token.slice(0, at) + character + token.slice(at + 1);
      if (changed !== token) expect(readRefreshToken(changed, key)).toBeNull();
    }),
  );
});

test('no other text is ours, and none throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String().map((text) => `grt_${text}`),
      ),
      (text) => expect(readRefreshToken(text, key)).toBeNull(),
    ),
  );
});

test('neither what the database keeps nor the key alone makes one: the secret is in the token and nowhere else', () => {
  const secret = newSessionSecret();
  const token = writeRefreshToken({ sessionId: newId(), counter: 0, secret }, key);
  const stored = hashSessionSecret(secret);
  expect(stored).toHaveLength(32);
  expect(stored.equals(secret)).toBe(false);
  expect(Buffer.from(token.slice(4), 'base64url').includes(stored)).toBe(false);
});

test('no two secrets are alike', () => {
  expect(new Set(Array.from({ length: 10_000 }, () => newSessionSecret().toString('hex'))).size).toBe(10_000);
});
