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
  // Made with Python 3.11: passlib 1.7.4, Django 5.2, Werkzeug 3.1, bcrypt 5.0 and hashlib. passlib does not load that
  // bcrypt, so its two forms of bcrypt-sha256 are put together as its documentation says, as are WordPress's and better-auth's.
  'passlib-pbkdf2-sha1': '$pbkdf2$1000$CSFkzPkfQ4jxvldK6d17bw$SGmAbBTUcn0G7zsrUAT0ihhXXbU',
  'passlib-pbkdf2-sha256': '$pbkdf2-sha256$1000$O0coJQTA2BsjpPQ.h1AKYQ$8l1H5hcJiJPcpj9jL78kdB1boYJI6bVlEs9bNhjAQHw',
  'passlib-pbkdf2-sha512':
    '$pbkdf2-sha512$1000$Pcf4P.ccYwwBAIBQam0NoQ$0qfMvUU0CZKrm1qVKo4ozfbd8Led5tryCgVhgqUgkTXTyCebFVBAJf4MXVlqp0D1ooN1XDS7nRWr.Bpg2zwsbA',
  'passlib-bcrypt-sha256-2': '$bcrypt-sha256$v=2,t=2b,r=4$7txeEQzUMmYcd.MmqZzhoe$zUrpXxOdp8G/0HmAcxu4xvZ./17uXUO',
  'passlib-bcrypt-sha256-1': '$bcrypt-sha256$2b,4$7txeEQzUMmYcd.MmqZzhoe$B7MjVb8ZPwZqp8YmqPZLjjPW8IAIMU.',
  'passlib-scrypt': '$scrypt$ln=4,r=8,p=1$wtg7h3BuzVkrZQxBiPG+tw$yIFBmLconUV3eyrznnYeMLweeybV00LDmsyhlwqMa+E',
  phpass: '$P$5BB97l8q3BEWKxK2rFNL8.IOY/MQ7P1',
  'phpass-phpbb': '$H$5LdaT5WUVdENSY02hnC9ltPqbecVFo.',
  'ldap-ssha': '{SSHA}RbnRJJSx+N8GtZ60S1WKdQpONKDP2VtL',
  'ldap-ssha256': '{SSHA256}weWohmkIvWlxTzC+zwmFW8a5YL533AlhA9eku8AVML/OGaNUqlWKcQ==',
  'ldap-ssha512':
    '{SSHA512}Kwb/sZk3OZm6QnTrwfWblRREcEfyh0b33k4fZsxkRc3TRaoT4YecDBv2vQNQKffV+yrziY8ZH6ZrP8rni3BuPxkj5Pxf6z3H',
  'ldap-sha': '{SHA}jrEb3/gfNOdQ4MIqbTS2fw6e3d0=',
  'ldap-md5': '{MD5}894/K7CJfpO0HNn3dlPwHA==',
  'ldap-smd5': '{SMD5}YcWELxYeN3iz27SNuYn47YvxXus=',
  'django-scrypt':
    'scrypt$16$saltsaltsaltsalt$8$5$kMpTnYdayQnhuN2/y6ZiWr4vnS6Jhlsn2eWXj9feiLIwVGI8SpCgAiVc013/SYJAaKm2kp+qd94lLzjxN17b1w==',
  'django-bcrypt-sha256': 'bcrypt_sha256$$2b$04$GtJLgiC8RzJdlD.uFUgsBOYOSuaE/X2M0VCepO8WzsEIKRtGBxr0q',
  'django-md5': 'md5$saltsalt$c4d2424780ff5028ec72479ed19a30ea',
  'django-sha1-old': 'sha1$saltsalt$1c56a14614a593bbb76f43818a632c2fdd9a308a',
  'werkzeug-scrypt':
    'scrypt:1024:8:1$QsofCYSYOlPSEbcI$d7bb80e7b68981c84f347588d64115c849600fbe6ef78e497ea09e3ab57532814d7126c4fe84c1072513ca50b09bbb3eb0f128ce50f45b39a370d57ccde63b13',
  'werkzeug-pbkdf2-sha256':
    'pbkdf2:sha256:1000$aLW3S5l5m6rLpnSK$6dd061025088a8d8fbf100a8b27a0db4faf623ea97ca077bb12202a680711d4b',
  'werkzeug-pbkdf2-sha1': 'pbkdf2:sha1:1000$nHFRq5KLp0JQgNZ9$d97a4653638820cbfa4832c0d1bfb908a831d66e',
  'werkzeug-pbkdf2-sha512':
    'pbkdf2:sha512:1000$jLrUrb4UpunHe6U3$f55802a97e4bb260dc418d3a117b7f5db60fa5ba0f3346d9fc6163caffc9e00bb3b1304410ff7475a5244b48ae3daad9b300cd0bc7b8288d2e00f4f2f917bae4',
  'wordpress-6.8': '$wp$2y$04$XgkGNozd3vt0lbMbv5CaZOTHC0Nj6rmfNcHvYFXEc5o7BAPysfZtW',
  'better-auth':
    '79d9647481fddb79360d184c5a051dc6:81fe7fa6b1623013e9f8eb6b50463f8171aab7abcc82dfa583145a26a7d9ea8118ce73183a123af571427946fbeb180298a527661a73d31c780522eb1487b658',
};
