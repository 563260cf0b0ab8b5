import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';
import { ENTRY_MAC, type Seal, type SealedEntry, sameMac } from './audit-entry.js';
import { AuditSealer, BEFORE_ALL, BrokenChainError, type Place } from './audit-sealer.service.js';
import * as store from './audit-store.js';

/** Seals read at once. */
const BATCH = 50;
/** Entries that nothing vouches for that are named at most. */
const NAMED = 1_000;

/** One thing that is not as it was sealed. */
export interface AuditFault {
  kind: 'entry_changed' | 'entry_missing' | 'entry_added' | 'seal_changed' | 'seal_missing' | 'chain_broken';
  /** The id of the entry or the number of the seal; empty where the chain as a whole is meant. */
  subject: string;
  detail: string;
}

export interface AuditReport {
  entries: number;
  seals: number;
  /** Entries that wait for their seal; nothing vouches for them yet. */
  waiting: number;
  /** The last seal as `number:mac`. Kept elsewhere, it proves later that nothing up to here was set back. */
  head: string | null;
  faults: AuditFault[];
}

/** Finds what was done to the audit log behind the server's back, and says to which entry. */
@Injectable()
export class AuditVerifier {
  constructor(
    private readonly database: Database,
    private readonly sealer: AuditSealer,
  ) {}

  /**
   * Compares every entry with its seal and every seal with the one before it. `expected` is the head of a former report.
   * `progress` is told how many entries were compared. One snapshot of the database, so servers may run meanwhile.
   */
  async verify(expected?: string, progress: (entries: number) => void = () => {}): Promise<AuditReport> {
    const faults: AuditFault[] = [];
    await this.sealer.sealAll().catch((error) => faults.push(...brokenOr(error)));
    return this.database.transaction(async (manager) => {
      await manager.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const anchor = await this.place('anchor', faults, manager);
      let last: Place = anchor ?? { number: '0', seal: BEFORE_ALL };
      let [entries, seals, met] = [0, 0, expected === undefined];
      for (;;) {
        const batch = await manager.query<Seal[]>(store.SEALS, [last.number, BATCH]);
        faults.push(...(await this.examine(batch, last, manager)));
        for (const seal of batch) {
          entries += seal.ids.length;
          met ||= headOf({ number: seal.number, seal: seal.mac }) === expected;
        }
        seals += batch.length;
        const end = batch.at(-1);
        if (!end) break;
        last = { number: end.number, seal: end.mac };
        progress(entries);
      }
      met ||= anchor !== null && headOf(anchor) === expected;
      if (!met) faults.push(broken(`The seal ${expected} is not part of the chain: it was set back or written anew.`));
      faults.push(...(await this.examineEnd(last, manager)), ...(await this.unsealed(manager)));
      const { waiting } = await this.waiting(manager);
      if (seals === 0 && !anchor && waiting === 0 && (await this.hasUsers(manager)))
        faults.push(broken('There are users and not one entry: the log was emptied.'));
      return { entries, seals, waiting, head: seals > 0 || anchor ? headOf(last) : null, faults: unique(faults) };
    });
  }

  /** The faults of seals that follow `before`, and of their entries. */
  async examine(seals: Seal[], before: Place, manager: EntityManager): Promise<AuditFault[]> {
    const faults: AuditFault[] = [];
    let last = before;
    for (const seal of seals) {
      const gap = BigInt(seal.number) - BigInt(last.number) - 1n;
      if (gap > 0n) {
        const first = BigInt(last.number) + 1n;
        const which = gap === 1n ? `${first}` : `${first}-${first + gap - 1n}`;
        faults.push({ kind: 'seal_missing', subject: which, detail: `Seal ${which} was removed.` });
      } else if (!sameMac(this.sealer.macs.ofSeal(seal, last.seal), seal.mac)) {
        faults.push({ kind: 'seal_changed', subject: seal.number, detail: `Seal ${seal.number} was changed.` });
      }
      faults.push(...(await this.examineEntries(seal, manager)));
      last = { number: seal.number, seal: seal.mac };
    }
    return faults;
  }

  /** Nobody becomes a user without an entry that says so. */
  private async hasUsers(manager: EntityManager): Promise<boolean> {
    const [row] = await manager.query<{ any: boolean }[]>('SELECT EXISTS (SELECT FROM users) AS any');
    return row?.any ?? false;
  }

  private async examineEntries({ number, ids, macs }: Seal, manager: EntityManager): Promise<AuditFault[]> {
    const entries = await manager.query<SealedEntry[]>(store.ENTRIES, [ids]);
    const found = new Map(entries.map((entry) => [entry.id, entry]));
    return ids.flatMap((id, index): AuditFault[] => {
      const entry = found.get(id);
      if (!entry) return [{ kind: 'entry_missing', subject: id, detail: `Entry ${id} of seal ${number} was removed.` }];
      const mac = macs.subarray(index * ENTRY_MAC, (index + 1) * ENTRY_MAC);
      if (sameMac(this.sealer.macs.ofEntry(entry), mac)) return [];
      return [{ kind: 'entry_changed', subject: id, detail: `Entry ${id} of seal ${number} was changed.` }];
    });
  }

  private async examineEnd(last: Place, manager: EntityManager): Promise<AuditFault[]> {
    const faults: AuditFault[] = [];
    const head = await this.place('head', faults, manager);
    if (faults.length > 0) return faults;
    if (!head) return last.number === '0' ? [] : [broken('The head of the chain was removed.')];
    if (BigInt(head.number) > BigInt(last.number)) {
      return [broken(`The chain is cut off after seal ${last.number}: it went on to seal ${head.number}.`)];
    }
    return head.number === last.number && sameMac(head.seal, last.seal)
      ? []
      : [broken(`The chain ends with seal ${last.number}, which is not the one that was written.`)];
  }

  /** Entries that came in beside the server, and those that went before they were sealed. */
  private async unsealed(manager: EntityManager): Promise<AuditFault[]> {
    const added = await manager.query<{ id: string }[]>(store.UNKNOWN_ENTRIES, [NAMED]);
    const { missing } = await this.waiting(manager);
    return [
      ...added.map(({ id }): AuditFault => ({ kind: 'entry_added', subject: id, detail: `Entry ${id} was added.` })),
      ...missing.map(
        (id): AuditFault => ({ kind: 'entry_missing', subject: id, detail: `Entry ${id} was removed unsealed.` }),
      ),
    ];
  }

  private async waiting(manager: EntityManager): Promise<{ waiting: number; missing: string[] }> {
    const [row] = await manager.query<{ count: number; missing: string[] }[]>(store.WAITING);
    return { waiting: row?.count ?? 0, missing: row?.missing ?? [] };
  }

  private async place(place: 'head' | 'anchor', faults: AuditFault[], manager: EntityManager): Promise<Place | null> {
    try {
      return await this.sealer.readPlace(place, manager);
    } catch (error) {
      faults.push(...brokenOr(error));
      return null;
    }
  }
}

function headOf({ number, seal }: Place): string {
  return `${number}:${seal.toString('hex')}`;
}

function broken(detail: string): AuditFault {
  return { kind: 'chain_broken', subject: '', detail };
}

function brokenOr(error: unknown): AuditFault[] {
  if (error instanceof BrokenChainError) return [broken(error.message)];
  throw error;
}

/** The end of the chain is looked at twice, before and after. */
function unique(faults: AuditFault[]): AuditFault[] {
  return [...new Map(faults.map((fault) => [fault.detail, fault])).values()];
}
