import { checkPrimeSync } from 'node:crypto';

/** FIPS 186-5, A.1.1: a smaller one is of no use to anybody, and with 1 every text is its own signature. */
const LEAST_EXPONENT = 65_537n;
/** Go, Windows and many cards read no larger one, and so verify none of its signatures. */
const LARGEST_EXPONENT = 2n ** 31n - 1n;
const LEAST_BITS = 2048;
const MEMBERS = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const;

/**
 * What is wrong with the numbers of a private RSA key (RFC 7518, 6.3.2), or null: whether it is easily found out, and whether
 * they are those of one key (RFC 8017, 3.2). A library signs with some of them and verifies with others.
 */
export function faultOfRsa(jwk: Record<string, unknown>): string | null {
  const missing = MEMBERS.filter((name) => typeof jwk[name] !== 'string');
  if (missing.length > 0) return `must have the members ${missing.join(', ')} of a private RSA key`;
  const { n, e, d, p, q, dp, dq, qi } = Object.fromEntries(
    MEMBERS.map((name) => [name, numberOf(jwk[name])]),
  ) as Record<(typeof MEMBERS)[number], bigint>;
  if (bitsOf(n) < LEAST_BITS) return `must have ${LEAST_BITS} bits or more, and has ${bitsOf(n)}`;
  if (e < LEAST_EXPONENT || e % 2n === 0n) return 'must have an odd exponent "e" of 65537 or more ("AQAB")';
  if (e > LARGEST_EXPONENT) return 'must have an exponent "e" that others can read: at most 31 bits';
  const fits =
    p > 1n &&
    q > 1n &&
    p * q === n &&
    (e * d) % (p - 1n) === 1n &&
    (e * d) % (q - 1n) === 1n &&
    dp === d % (p - 1n) &&
    dq === d % (q - 1n) &&
    (qi * q) % p === 1n;
  if (!fits || !checkPrimeSync(p) || !checkPrimeSync(q))
    return 'must be one whole pair: its members do not fit each other';
  const half = bitsOf(n) / 2;
  const apart = p > q ? p - q : q - p;
  if (bitsOf(apart) < half - 100 || bitsOf(d) <= half) return 'must be random: its numbers are easily found out';
  return null;
}

function numberOf(text: unknown): bigint {
  return BigInt(`0x0${Buffer.from(String(text), 'base64url').toString('hex')}`);
}

function bitsOf(number: bigint): number {
  return number.toString(2).length;
}
