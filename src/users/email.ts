import { domainToASCII } from 'node:url';

/** A dot-atom (RFC 5322, 3.2.3) whose letters may be of any script (RFC 6531). No quotes: "a@evil"@victim is no address here. */
const LOCAL_PART = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const WRITTEN_DOMAIN = /^[\p{L}\p{N}\p{M}.-]+$/u;
const ASCII_DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

const LONGEST = 320;

/** An address as it was written, and as it is compared. */
export interface Email {
  written: string;
  key: string;
}

/**
 * Reads an email address. Two addresses are the same when their keys are: NFC, without regard to case, the domain in its
 * ASCII form (IDNA, so that bücher.example and xn--bcher-kva.example are one). Returns null for any other text.
 */
export function readEmail(text: string): Email | null {
  // Normalising costs more than linear time, so what is far too long is not even normalised.
  if (text.length > LONGEST) return null;
  const written = text.normalize('NFC');
  const [local = '', domain = '', ...rest] = written.split('@');
  if (rest.length > 0 || !LOCAL_PART.test(local) || !WRITTEN_DOMAIN.test(domain)) return null;
  const ascii = domainToASCII(domain);
  // RFC 5321, 4.5.3.1: 64 octets before the @, 255 after it.
  if (Buffer.byteLength(local) > 64 || ascii.length > 253 || !ASCII_DOMAIN.test(ascii)) return null;
  return { written, key: `${local.toLowerCase().normalize('NFC')}@${ascii}` };
}

/** The address as it is compared; any other text stands for itself. */
export function emailKeyOf(text: string): string {
  return readEmail(text)?.key ?? text;
}
