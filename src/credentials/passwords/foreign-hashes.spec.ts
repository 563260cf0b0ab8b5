import { cpuTime } from '../../../test/support/cpu-time.js';
import { FOREIGN_HASHES } from '../../../test/support/foreign-hashes.js';
import { PASSWORD } from '../../../test/support/users.js';
import { isForeignHash, verifyForeign } from './foreign-hashes.js';

const GENUINE: [kind: string, hash: string, password?: string][] = [
  ...Object.entries(FOREIGN_HASHES),
  [
    // The example of firebase/scrypt, in the spelling of Supabase Auth.
    'Firebase',
    '$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==' +
      '$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
    'user1password',
  ],
];

test('each kind is itself and no other', () => {
  const { argon2id, argon2i, argon2d, 'argon2-v16': older } = FOREIGN_HASHES;
  const heads = [argon2id, argon2i, argon2d, older].map((hash) => hash.split('$m=')[0]);
  expect(heads).toEqual(['$argon2id$v=19', '$argon2i$v=19', '$argon2d$v=19', '$argon2id$v=16']);
});

test.each(GENUINE)('%s: the password fits and nothing else does', (_, hash, password = PASSWORD) => {
  expect(isForeignHash(hash)).toBe(true);
  expect(verifyForeign(password, hash)).toBe(true);
  for (const other of ['', `${password} `, password.toUpperCase(), hash])
    expect(verifyForeign(other, hash)).toBe(false);
});

const SALT = 'c2FsdHNhbHQ';
const HASH = 'A'.repeat(43);

test.each([
  ['nothing', ''],
  ['a plain password', PASSWORD],
  ['bcrypt of a day', `$2a$31$${'a'.repeat(53)}`],
  ['bcrypt with a NUL after it', `$2a$04$${'a'.repeat(53)}\u0000`],
  ['argon2 of 2 GiB', `$argon2id$v=19$m=2097152,t=1,p=1$${SALT}$${HASH}`],
  ['argon2 of many passes', `$argon2id$v=19$m=262144,t=100,p=1$${SALT}$${HASH}`],
  ['argon2 of many lanes', `$argon2id$v=19$m=65536,t=1,p=255$${SALT}$${HASH}`],
  ['argon2 of no passes', `$argon2id$v=19$m=65536,t=0,p=1$${SALT}$${HASH}`],
  ['argon2 with a secret of its own', `$argon2id$v=19$m=65536,t=1,p=1,keyid=AAAA$${SALT}$${HASH}`],
  ['scrypt of 2 GiB', `$scrypt$ln=21,r=8,p=1$${SALT}$${HASH}`],
  ['scrypt of many blocks', `$scrypt$ln=20,r=32,p=16$${SALT}$${HASH}`],
  ['scrypt of a short hash, which many passwords fit', `$scrypt$ln=10,r=8,p=1$${SALT}$AAAA`],
  ['scrypt of a cost too great for its blocks, which no library computes', `$scrypt$ln=16,r=1,p=1$${SALT}$${HASH}`],
  ['scrypt of none', `$scrypt$ln=0,r=8,p=1$${SALT}$${HASH}`],
  ['Firebase with a short key', `$fbscrypt$v=1,n=14,r=8,p=1,ss=,sk=AAAA$${SALT}$AAAA`],
  ['Django of ten million rounds', `pbkdf2_sha256$9999999$salt$${HASH}=`],
  ['Django of a short hash', 'pbkdf2_sha256$1000$salt$AAAA'],
  ['password-hash of a million rounds', `sha1$salt$999999$${'a'.repeat(40)}`],
  ['password-hash of no rounds', `sha1$salt$0$${'a'.repeat(40)}`],
  ['Django with a NUL in its salt', `pbkdf2_sha256$1000$sa\u0000lt$${HASH}=`],
  ['password-hash with a line end in its salt', `sha1$sa\nlt$1$${'a'.repeat(40)}`],
  ['password-hash with half a character in its salt', `sha1$\ud800$1$${'a'.repeat(40)}`],
  ['password-hash cut short', `sha1$salt$1$${'a'.repeat(39)}`],
  ['passlib of ten million rounds', `$pbkdf2-sha256$9999999$${SALT}$${HASH}`],
  ['PBKDF2 of many blocks', `$pbkdf2-sha256$1000000$${SALT}$${'A'.repeat(171)}`],
  ['PBKDF2 of a short hash', `$pbkdf2-sha256$1000$${SALT}$AAAA`],
  ['Werkzeug of ten million rounds', `pbkdf2:sha256:9999999$salt$${'a'.repeat(64)}`],
  ['Werkzeug of 4 GiB', `scrypt:4194304:8:1$salt$${'a'.repeat(128)}`],
  ['Django scrypt of 4 GiB', `scrypt$4194304$salt$8$1$${HASH}=`],
  ['scrypt of a cost that is no power of two', `scrypt$1000$salt$8$1$${HASH}=`],
  ['bcrypt-sha256 of a day', `$bcrypt-sha256$v=2,t=2b,r=31$${'a'.repeat(22)}$${'a'.repeat(31)}`],
  ['WordPress of a day', `$wp$2y$31$${'a'.repeat(53)}`],
  ['phpass of a billion rounds', `$P$S${'a'.repeat(30)}`],
  ['phpass of no rounds', `$P$.${'a'.repeat(30)}`],
  ['LDAP with a salt that its name does not tell', `{SHA}${Buffer.alloc(28).toString('base64')}`],
  ['LDAP cut short', `{SSHA}${Buffer.alloc(20).toString('base64')}`],
  ['the sha512-crypt of Linux', `$6$saltsalt$${'a'.repeat(86)}`],
  ['an unknown kind', `$argon3$v=19$m=65536,t=1,p=1$${SALT}$${HASH}`],
  ['our own', `$2b$04$${'a'.repeat(53)}`],
])('%s is no foreign hash, and fits no password', (_, hash) => {
  expect(isForeignHash(hash)).toBe(false);
  expect(verifyForeign(PASSWORD, hash)).toBe(false);
});

test('a text that has the form and not the base64 fits nothing, and throws nothing', () => {
  const hash = `$argon2id$v=19$m=1024,t=1,p=1$${'A'.repeat(13)}$${'B'.repeat(41)}`;
  expect(verifyForeign(PASSWORD, hash)).toBe(false);
});

test('the most expensive hash of each kind that is taken holds a thread for a few seconds at most', async () => {
  const dear = [
    `$scrypt$ln=18,r=8,p=1$${SALT}$${HASH}`,
    `$argon2id$v=19$m=262144,t=4,p=1$${SALT}$${HASH}`,
    `pbkdf2_sha256$3000000$salt$${HASH}=`,
    `sha512$salt$500000$${'a'.repeat(128)}`,
    `$pbkdf2-sha512$3000000$${SALT}$${'A'.repeat(86)}`,
    `scrypt:262144:8:1$salt$${'a'.repeat(128)}`,
    `$P$I${'a'.repeat(30)}`,
    `${'a'.repeat(32)}:${'a'.repeat(128)}`,
  ];
  for (const hash of dear) {
    const verify = () =>
      expect([hash, isForeignHash(hash), verifyForeign(PASSWORD, hash)]).toEqual([hash, true, false]);
    expect(await cpuTime(verify)).toBeLessThan(10_000);
  }
});
