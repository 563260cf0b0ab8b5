import { createHmac } from 'node:crypto';
import bcrypt from 'bcrypt';
import fc from 'fast-check';
import { cpuTime } from '../../../test/support/cpu-time.js';
import { InvalidPasswordError, PasswordHasher, type PasswordHasherOptions } from './password-hasher.js';

const pepper = Buffer.alloc(32, 'pepper');
const running: PasswordHasher[] = [];

async function start(options: Partial<PasswordHasherOptions> = {}): Promise<PasswordHasher> {
  const hasher = new PasswordHasher({ cost: 4, pepper, queuePerCore: 64, ...options });
  await hasher.onModuleInit();
  running.push(hasher);
  return hasher;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

let hasher: PasswordHasher;
beforeAll(async () => {
  hasher = await start();
});
afterAll(() => Promise.all(running.map((one) => one.onApplicationShutdown())));

describe('what is hashed', () => {
  it('is base64(HMAC-SHA-256(pepper, password)) under a $2b$ of the configured cost', async () => {
    const hash = await hasher.hash('correct horse');
    const secret = createHmac('sha256', pepper).update('correct horse').digest('base64');
    expect(hash).toMatch(/^\$2b\$04\$[./A-Za-z0-9]{53}$/);
    expect(await bcrypt.compare(secret, hash)).toBe(true);
    expect(await bcrypt.compare('correct horse', hash)).toBe(false);
  });

  it('salts: the same password never gives the same hash', async () => {
    expect(await hasher.hash('correct horse')).not.toBe(await hasher.hash('correct horse'));
  });

  it('is worth nothing without the pepper', async () => {
    const other = await start({ pepper: Buffer.alloc(32, 'other') });
    expect(await other.verify('correct horse', await hasher.hash('correct horse'))).toBe(false);
  });

  it.each([
    ['the 100th character', `${'a'.repeat(99)}x`, `${'a'.repeat(99)}y`],
    ['what follows a NUL', 'secret\0one', 'secret\0two'],
    ['a NUL at the end', 'secret', 'secret\0'],
    ['case', 'Secret', 'secret'],
    ['a space at the end', 'secret', 'secret '],
    ['emoji', 'pass🙂word', 'pass🙃word'],
    ['the skin tone of an emoji', '👍🏽👍🏽', '👍🏽👍🏿'],
    ['the 256th code point', `${'🙂'.repeat(255)}🙂`, `${'🙂'.repeat(255)}🙃`],
    ['compatibility characters', 'ﬁnance', 'finance'],
  ])('tells passwords apart by %s', async (_what, one, other) => {
    const hash = await hasher.hash(one);
    expect(await hasher.verify(one, hash)).toBe(true);
    expect(await hasher.verify(other, hash)).toBe(false);
  });

  it('takes NFC and NFD of the same characters for one password', async () => {
    const nfc = 'Pässwörd Å ệ 각'.normalize('NFC');
    const nfd = nfc.normalize('NFD');
    expect(nfd).not.toBe(nfc);
    expect(await hasher.verify(nfd, await hasher.hash(nfc))).toBe(true);
    expect(await hasher.verify(nfc, await hasher.hash(nfd))).toBe(true);
  });

  it.each(['\ud800', 'abc\udc00def', '\udc00\ud800'])('refuses the lone surrogate in %j', async (password) => {
    await expect(hasher.hash(password)).rejects.toThrow(InvalidPasswordError);
    const replaced = await hasher.hash(password.replace(/\p{Surrogate}/gu, '\ufffd'));
    expect(await hasher.verify(password, replaced)).toBe(false);
  });

  it('refuses a run of combining marks before normalising it', async () => {
    const bomb = 'a\u0301'.padEnd(32_000, '\u0301').padEnd(64_000, '\u0327');
    const refuse = async () => {
      await expect(hasher.hash(bomb)).rejects.toThrow(InvalidPasswordError);
      expect(await hasher.verify(bomb, await hasher.hash('a'))).toBe(false);
    };
    expect(await cpuTime(refuse)).toBeLessThan(500);
  });

  it('holds for any text, and for no other', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(text, text, async (password, other) => {
        const hash = await hasher.hash(password);
        expect(await hasher.verify(password, hash)).toBe(true);
        expect(await hasher.verify(other, hash)).toBe(other.normalize('NFC') === password.normalize('NFC'));
      }),
    );
  });
});

describe('stored hashes', () => {
  const secret = createHmac('sha256', pepper).update('correct horse').digest('base64');

  it.each([
    ['lower', 4, true],
    ['equal', 5, false],
    ['higher', 6, true],
  ])('verifies a %s cost than its own', async (_which, cost, stale) => {
    const five = await start({ cost: 5 });
    const hash = bcrypt.hashSync(secret, cost);
    expect(await five.verify('correct horse', hash)).toBe(true);
    expect(five.needsRehash(hash, 'correct horse')).toBe(stale);
  });

  it.each(['$2a$', '$2y$'])('verifies plain bcrypt from elsewhere, %s, and wants it rehashed', async (prefix) => {
    const hash = bcrypt.hashSync('correct horse', 5).replace('$2b$', prefix);
    expect(await hasher.verify('correct horse', hash)).toBe(true);
    expect(await hasher.verify('correct horsf', hash)).toBe(false);
    expect(hasher.needsRehash(hash, 'correct horse')).toBe(true);
  });

  it('leaves a foreign bcrypt as it is after a password longer than it reads', async () => {
    const hash = bcrypt.hashSync('x'.repeat(100), 5).replace('$2b$', '$2a$');
    const typed = `${'x'.repeat(100)}!`;
    expect(await hasher.verify(typed, hash)).toBe(true);
    expect(hasher.needsRehash(hash, typed)).toBe(false);
    expect(hasher.needsRehash(hash, 'x'.repeat(72))).toBe(true);
  });

  const sound = bcrypt.hashSync(secret, 4);
  it.each([
    '',
    'correct horse',
    secret,
    sound.slice(0, -1),
    `${sound}\n`,
    ` ${sound}`,
    sound.replace('$2b$', '$2x$'),
    sound.replace('$04$', '$03$'),
    sound.replace('$04$', '$16$'),
    sound.replace('$04$', '$31$'),
    sound.replace('$04$', '$4$'),
    `${sound.slice(0, -1)}é`,
    '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA',
  ])('answers false to the malformed %j', async (hash) => {
    expect(await hasher.verify('correct horse', hash)).toBe(false);
    expect(hasher.needsRehash(hash, 'correct horse')).toBe(true);
  });

  it('answers false to a plain bcrypt under our own prefix', async () => {
    expect(await hasher.verify('correct horse', bcrypt.hashSync('correct horse', 4))).toBe(false);
  });

  it('does the same work for no hash, a malformed one, one from elsewhere and a wrong password', async () => {
    const eight = await start({ cost: 8 });
    const cases = {
      wrong: await eight.hash('right'),
      none: null,
      malformed: 'nonsense',
      equal: bcrypt.hashSync('right', 8).replace('$2b$', '$2a$'),
      cheaper: bcrypt.hashSync('right', 5).replace('$2b$', '$2y$'),
      quick: 'pbkdf2_sha256$1000$saltsalt$qfA4YnLnA1BRZkAxkXSL6884MYVl7l6/jGU2FE4UST4=',
      half: `pbkdf2_sha256$20000$saltsalt$${'A'.repeat(43)}=`,
    };
    const names = Object.keys(cases) as (keyof typeof cases)[];
    const times = new Map(names.map((name) => [name, [] as number[]]));
    for (let round = 0; round < 10; round += 1) {
      for (const name of names) {
        const verify = async () => expect(await eight.verify('wrong', cases[name])).toBe(false);
        times.get(name)?.push(await cpuTime(verify));
      }
    }
    const of = (name: keyof typeof cases) => times.get(name) ?? [];
    // Missing rounds of bcrypt are counted: the least of each is its work, and what is above it was the machine's.
    const counted = (['wrong', 'none', 'malformed', 'equal', 'cheaper'] as const).map((name) => Math.min(...of(name)));
    expect(Math.max(...counted) / Math.min(...counted)).toBeLessThan(1.6);
    // Those of other kinds are clocked, which a busy machine disturbs; bench/account-timing.js measures them closely.
    for (const name of ['quick', 'half'] as const) {
      const ratio = median(of(name)) / median(of('wrong'));
      expect({ name, isPadded: ratio > 0.4 && ratio < 2.5 }).toEqual({ name, isPadded: true });
    }
  });

  it('knows no password for a user without a hash', async () => {
    for (const guess of ['', 'null', '\ud800', 'x'.repeat(3000)]) expect(await hasher.verify(guess, null)).toBe(false);
  });
});
