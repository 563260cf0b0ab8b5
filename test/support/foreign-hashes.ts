import { hashSync } from '@node-rs/argon2';
import bcrypt from 'bcrypt';
import { PASSWORD } from './users.js';

const argon2 = (options: object) => hashSync(PASSWORD, { memoryCost: 1024, timeCost: 2, ...options });
const bcrypted = bcrypt.hashSync(PASSWORD, 4);

/** The hash of PASSWORD in each kind that is documented, made by the software it is named after, or by the book with Python. */
export const FOREIGN_HASHES = {
  'bcrypt-2a': bcrypted.replace('$2b$', '$2a$'),
  'bcrypt-2y': bcrypted.replace('$2b$', '$2y$'),
  argon2id: argon2({ algorithm: 2 }),
  argon2i: argon2({ algorithm: 1 }),
  argon2d: argon2({ algorithm: 0 }),
  'argon2-v16': argon2({ version: 0 }),
  scrypt: '$scrypt$ln=4,r=8,p=1$c2FsdA$gPs8uNoqMyozDobMLA6zAQl6k6Lo1Jm/8HfmH12HCqA',
  'django-sha256': 'pbkdf2_sha256$1000$saltsalt$qfA4YnLnA1BRZkAxkXSL6884MYVl7l6/jGU2FE4UST4=',
  'django-sha1': 'pbkdf2_sha1$1000$saltsalt$yvNh8cdJsD46IS04u95rPLeH66A=',
  'password-hash-md5': 'md5$7386b629$3$5f346807817be51b0edc3063bc495021',
  'password-hash-sha1': 'sha1$7386b629$1$6528319de2fbcd7cdd99ea70a85bcd721ec98d9f',
  'password-hash-sha256': 'sha256$d6b6c5df$1000$66e6fe50a4765f5b8891b772dab1c77935fe1c81ee1f8c7feea33f2eae84b9fe',
  'password-hash-sha512':
    'sha512$d6b6c5df$2$709521953224600d4d266f5c6e572d1e317ffa9f79d213ab5c00201493d571f1a414f34a51c54c5e4df7df0d5c0ec4e55b0b32b1d0cb75de3a6404209edd688d',
};
