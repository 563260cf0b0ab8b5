import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Lets secret scanners and log redaction know one when they see one. */
const PREFIX = 'grt_';
const ID = 16;
const COUNTER = 4;
const SECRET = 32;
const MAC = 32;
const BODY = ID + COUNTER + SECRET;

/** What a genuine refresh token says. */
export interface RefreshTokenPayload {
  sessionId: string;
  /** Which rotation of the session's token this is. */
  counter: number;
  /** The session's secret, which is stored nowhere but in the token. */
  secret: Buffer;
}

/** A new session secret: 256 bits. */
export function newSessionSecret(): Buffer {
  return randomBytes(SECRET);
}

/** What the session row keeps of the secret. */
export function hashSessionSecret(secret: Buffer): Buffer {
  return createHash('sha256').update(secret).digest();
}

/**
 * What the session row keeps of the Idempotency-Key with which this token was exchanged. It is another one for each
 * token, also where a client sends the same key again.
 */
export function hashIdempotencyKey({ sessionId, counter }: RefreshTokenPayload, key: string): Buffer {
  return createHash('sha256').update(`${sessionId} ${counter} ${key}`).digest();
}

/**
 * Writes a refresh token: session id, counter and secret under an HMAC-SHA-256 whose key comes from APP_SECRET.
 * The successor follows from the token itself, so it can be written again for a client that lost it. The database alone does
 * not make one (no secret, no key), APP_SECRET alone does not (no secret), and not even both do.
 */
export function writeRefreshToken({ sessionId, counter, secret }: RefreshTokenPayload, key: Buffer): string {
  const body = Buffer.alloc(BODY);
  body.write(sessionId.replaceAll('-', ''), 0, 'hex');
  body.writeUInt32BE(counter, ID);
  secret.copy(body, ID + COUNTER);
  return PREFIX + Buffer.concat([body, mac(body, key)]).toString('base64url');
}

/** Reads a refresh token. Returns null for every string that this server did not write, without asking the database. */
export function readRefreshToken(token: string, key: Buffer): RefreshTokenPayload | null {
  if (!/^grt_[\w-]{112}$/.test(token)) return null;
  const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
  const body = bytes.subarray(0, BODY);
  if (bytes.length !== BODY + MAC || !timingSafeEqual(bytes.subarray(BODY), mac(body, key))) return null;
  const hex = body.toString('hex', 0, ID);
  return {
    sessionId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    counter: body.readUInt32BE(ID),
    secret: body.subarray(ID + COUNTER),
  };
}

function mac(body: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest();
}
