import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

const LINE_FEED = 0x0a;

/**
 * The common passwords (see COMMON_PASSWORDS.md), kept as the text they are stored as: lower-case lines in byte order,
 * searched by bisection. 2.4 MB and 10 ms to load, where a `Set` of strings takes about 20 MB and 100 ms.
 */
export class CommonPasswords {
  private readonly text = brotliDecompressSync(readFileSync(new URL('./common-passwords.txt.br', import.meta.url)));

  /** Whether the list holds exactly this line; the caller brings it to NFC and lower case. */
  has(password: string): boolean {
    const wanted = Buffer.from(password, 'utf8');
    let low = 0;
    let high = this.text.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const start = middle === 0 ? 0 : this.text.lastIndexOf(LINE_FEED, middle - 1) + 1;
      const end = this.text.indexOf(LINE_FEED, middle);
      const order = this.text.compare(wanted, 0, wanted.length, start, end);
      if (order === 0) return true;
      if (order < 0) low = end + 1;
      else high = start;
    }
    return false;
  }
}
