import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { createDatabase, setting } from './database.js';
import { type Answer, type Api, Gatehouse } from './gatehouse.js';
import { type Problem, signUp, type User } from './users.js';

export type Algorithm = 'ES256' | 'RS256' | 'HS256';
type Json = Record<string, unknown>;

export const KID = 'held-by-the-test';

/** base64url without padding. */
export function b64(value: string | Buffer): string {
  return Buffer.from(value).toString('base64url');
}

/** Signs with the genuine key whatever a test puts into the token. */
export class Forge {
  readonly secret: KeyObject;
  /** What anybody can read in the JWKS; for HS256 nobody can. */
  readonly public: KeyObject | undefined;

  /** Makes a key, or takes this one (a private JWK). */
  constructor(
    readonly alg: Algorithm,
    jwk?: string,
  ) {
    if (jwk) {
      this.secret = createPrivateKey({ key: JSON.parse(jwk), format: 'jwk' });
      this.public = createPublicKey(this.secret);
      return;
    }
    if (alg === 'HS256') {
      this.secret = createSecretKey(randomBytes(64));
      return;
    }
    const pair =
      alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.secret = pair.privateKey;
    this.public = pair.publicKey;
  }

  /** The value of JWT_SIGNING_KEY. */
  get jwk(): string {
    return JSON.stringify({ ...this.secret.export({ format: 'jwk' }), kid: KID });
  }

  /** The header that the server writes. */
  get header(): Json {
    return { alg: this.alg, typ: 'at+jwt', kid: KID };
  }

  /** A token of these parts with a good signature. Texts and bytes stand as they are. */
  token(header: Json | string, payload: Json | string | Buffer): string {
    const parts = [header, payload].map((part) =>
      b64(typeof part === 'string' || Buffer.isBuffer(part) ? part : JSON.stringify(part)),
    );
    return this.close(parts.join('.'));
  }

  /** Puts the signature of a text behind it. */
  close(input: string): string {
    return `${input}.${b64(this.signature(input))}`;
  }

  private signature(input: string): Buffer {
    if (this.alg === 'HS256') return hmac(this.secret, input);
    const key = this.alg === 'ES256' ? { key: this.secret, dsaEncoding: 'ieee-p1363' as const } : this.secret;
    return sign('sha256', Buffer.from(input), key);
  }
}

/** HMAC-SHA-256, the signature of HS256. */
export function hmac(key: KeyObject | Buffer | string, input: string): Buffer {
  return createHmac('sha256', key).update(input).digest();
}

/** A running server, its key, and a user who is signed in there. */
export class Forgery {
  private constructor(
    readonly forge: Forge,
    readonly gatehouse: Api,
    readonly user: User,
    readonly genuine: string,
    readonly refreshToken: string,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(alg: Algorithm = 'ES256', env: Record<string, string> = {}): Promise<Forgery> {
    const forge = new Forge(alg);
    const database = await createDatabase();
    const gatehouse = await Gatehouse.start({ DATABASE_URL: database.url, JWT_SIGNING_KEY: forge.jwk, ...env });
    return Forgery.of(forge, gatehouse, async () => {
      await gatehouse.stop();
      await database.drop();
    });
  }

  /** On the server of the whole run, which signs with ES256 and a key that the tests know. */
  static shared(): Promise<Forgery> {
    const forge = new Forge('ES256', setting('TEST_SHARED_SIGNING_KEY'));
    return Forgery.of(forge, Gatehouse.shared().gatehouse, async () => undefined);
  }

  private static async of(forge: Forge, gatehouse: Api, stop: () => Promise<void>): Promise<Forgery> {
    const username = `ada${randomBytes(8).toString('hex')}`;
    const { user, accessToken, refreshToken } = await signUp(gatehouse, { username });
    return new Forgery(forge, gatehouse, user, accessToken, refreshToken, stop);
  }

  /** The claims of the genuine token, with these instead; undefined takes a claim away. */
  claims(changes: Json = {}): Json {
    return { ...(JSON.parse(this.part(1)) as Json), ...changes };
  }

  /** The genuine token's header or payload as text. */
  part(index: 0 | 1): string {
    return Buffer.from(this.genuine.split('.')[index] ?? '', 'base64url').toString();
  }

  /** A token that is genuine but for these claims. */
  withClaims(changes: Json): string {
    return this.forge.token(this.forge.header, this.claims(changes));
  }

  /** A token that is genuine but for its header. */
  withHeader(header: Json | string): string {
    return this.forge.token(header, this.claims());
  }

  /** Asks who it is that has this token. */
  ask(token: string): Promise<Answer<Problem>> {
    return this.gatehouse.call<Problem>('GET', '/v1/auth/session', { token });
  }

  /** Fails unless the token is refused as RFC 6750, 3.1 asks: 401 and error="invalid_token". */
  async refuses(token: string): Promise<void> {
    const { status, body, headers, text } = await this.ask(token);
    expect({ status, text }).toEqual({
      status: 401,
      text: expect.stringMatching(/"code":"(invalid_token|token_expired)"/),
    });
    expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    expect(Object.keys(body).sort()).toEqual(['code', 'detail', 'requestId', 'status', 'title', 'type']);
  }

  /** Fails unless the genuine token is taken, and one signed by the test too: else a refusal would prove nothing. */
  async takesGenuine(): Promise<void> {
    expect((await this.ask(this.genuine)).status).toBe(200);
    expect((await this.ask(this.withClaims({ jti: b64(randomBytes(12)) }))).status).toBe(200);
  }
}

/** One bad token: what is wrong with it, and how it is made. */
export type BadToken = [name: string, make: (forgery: Forgery) => string];

/**
 * Tables of bad tokens, tried one by one against one server, which must take the genuine token before and after.
 * Returns that server for what a table cannot say.
 */
export function refuseAll(tables: Record<string, BadToken[]>, alg: Algorithm = 'ES256'): () => Forgery {
  let forgery: Forgery;
  beforeAll(async () => {
    forgery = alg === 'ES256' ? await Forgery.shared() : await Forgery.start(alg);
    await forgery.takesGenuine();
  });
  afterAll(async () => {
    await forgery.takesGenuine();
    await forgery.stop();
  });
  for (const [title, bad] of Object.entries(tables)) {
    describe(title, () => {
      test.each(bad)('%s', (_name, make) => forgery.refuses(make(forgery)));
    });
  }
  return () => forgery;
}
