import { type ChainPosition, headOf } from './audit-chain.service.js';
import { type AuditMacs, column, type Seal, type SealedEntry, sameMac } from './audit-entry.js';

/** The type of the entry by which a server records that the log was set back. */
export const SET_BACK = 'audit.set_back';

/** What an entry gives as the reason of a change that was made again because the database had lost it. */
export const SET_BACK_REASON = 'set_back';

/** That Postgres lost the end of the log, in a failover or by a restore, as a server that had seen more has recorded it. */
export interface AuditSetBack {
  /** The id of the entry that records it. */
  entry: string;
  /** The last seal that the server had seen, lost since, and the one that the chain went on from, as `number:mac`. */
  from: string;
  to: string;
  /** Whether audit:accept was run since. */
  accepted: boolean;
  detail: string;
}

/** What the entry holds. Its HMAC is there because anybody with the database's password can add an entry of this type. */
export function setBackData(lost: ChainPosition, end: ChainPosition, macs: AuditMacs): Record<string, string> {
  const [from, to] = [headOf(lost), headOf(end)];
  return { from, to, mac: macs.ofSetBack(from, to).toString('hex') };
}

/** The entries of a seal that say the log was set back. */
export function marksOf(entries: SealedEntry[]): SealedEntry[] {
  return entries.filter((entry) => column(entry, 'type') === SET_BACK);
}

/**
 * What an entry of `seal` says of a set-back, or null where no server wrote that: only APP_SECRET gives its HMAC, and it
 * counts nowhere but in the seal right after the one that the chain went on from.
 */
export function readMark(
  entry: SealedEntry,
  seal: Seal,
  before: ChainPosition,
  macs: AuditMacs,
): Omit<AuditSetBack, 'accepted'> | null {
  // Of whatever form, for anybody with the database's password may have written it.
  const data: unknown = JSON.parse(column(entry, 'data') ?? 'null');
  const { from, to, mac } = Object(data) as Record<string, unknown>;
  if (typeof from !== 'string' || typeof to !== 'string' || typeof mac !== 'string') return null;
  if (to !== headOf(before) || !sameMac(macs.ofSetBack(from, to), Buffer.from(mac, 'hex'))) return null;
  const detail =
    `The log was set back by a failover or a restore of Postgres, at ${column(entry, 'at')}Z (entry ${entry.id} of seal ` +
    `${seal.number}): seal ${numberOf(from)} was lost, and what else came after seal ${numberOf(to)}. ` +
    `Compare with copies kept elsewhere, then run npm run cli -- audit:accept`;
  return { entry: entry.id, from, to, detail };
}

/** What an expected head that is not in the chain may have to do with a set-back, for the sentence about it. */
export function hintFor(expected: string, setBacks: AuditSetBack[]): string {
  const number = numberOf(expected);
  const near = setBacks.find(({ from, to }) => numberOf(to) < number && number <= numberOf(from));
  return near ? ` It may have been lost when the log was set back (entry ${near.entry}), which nothing proves.` : '';
}

function numberOf(head: string): bigint {
  return BigInt(head.slice(0, head.indexOf(':')));
}
