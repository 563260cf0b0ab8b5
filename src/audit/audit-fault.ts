import { BrokenChainError, ChainLockTimeout } from './audit-chain.service.js';
import { apart, type Seal, type SealedEntry } from './audit-entry.js';
import { type AuditSetBack, hintFor } from './audit-set-back.js';

/** Milliseconds between an entry and its seal, past which the seal vouches for nothing. A restart takes far less. */
const LATE = 3_600_000;

/** One thing that is not as it was sealed. */
export interface AuditFault {
  kind:
    | 'entry_changed'
    | 'entry_missing'
    | 'entry_added'
    | 'seal_changed'
    | 'seal_missing'
    | 'seal_late'
    | 'seal_lost'
    | 'chain_broken';
  /** The id of the entry or the number of the seal; empty where the chain as a whole is meant. */
  subject: string;
  detail: string;
}

/** An attacker without APP_SECRET can have a server seal any history, but not as long ago as it tells of. An infinite time is late too. */
export function late(seal: Seal, entries: SealedEntry[]): AuditFault[] {
  const [first, ...others] = entries.filter((entry) => !(apart(entry, seal) <= LATE));
  if (!first) return [];
  const detail =
    `Seal ${seal.number} and ${others.length + 1} of its entries, such as ${first.id}, are more than an hour apart: ` +
    `it does not vouch for them. Where that has its reason, such as a server that was down, run npm run cli -- audit:accept`;
  return [{ kind: 'seal_late', subject: seal.number, detail }];
}

/** An entry that says the log was set back and that no server wrote. */
export function invented({ id }: SealedEntry): AuditFault {
  const detail = `Entry ${id} says that the log was set back, and was not written by a server. Where that was looked into, run npm run cli -- audit:accept`;
  return { kind: 'entry_added', subject: id, detail };
}

/** Why a head that was kept elsewhere is not in the chain. */
export function missed(expected: string, setBacks: AuditSetBack[]): AuditFault {
  const mark = setBacks.find(({ from }) => from === expected);
  if (!mark) {
    return broken(
      `The seal ${expected} is not part of the chain: it was set back or written anew.${hintFor(expected, setBacks)}`,
    );
  }
  const detail = `The seal ${expected} was lost when the log was set back, as entry ${mark.entry} records: keep another head from now on.`;
  return { kind: 'seal_lost', subject: expected.slice(0, expected.indexOf(':')), detail };
}

/** A fault of the chain as a whole. */
export function broken(detail: string): AuditFault {
  return { kind: 'chain_broken', subject: '', detail };
}

/** The fault that an error stands for. Throws any other error again. */
export function brokenOr(error: unknown): AuditFault[] {
  if (error instanceof BrokenChainError || error instanceof ChainLockTimeout) return [broken(error.message)];
  throw error;
}

/** The end of the chain is looked at twice, before and after. */
export function unique(faults: AuditFault[]): AuditFault[] {
  return [...new Map(faults.map((fault) => [fault.detail, fault])).values()];
}
