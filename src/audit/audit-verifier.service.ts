import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../platform/database/database.js';
import { AuditChain, CHAIN_TIMEOUT, type ChainPosition, GENESIS, headOf, isSame, OLD } from './audit-chain.service.js';
import { readEntries } from './audit-entries.js';
import { byId, ENTRY_MAC, type PositionName, type Seal, type SealedEntry, sameMac } from './audit-entry.js';
import { type AuditFault, broken, brokenOr, invented, late, missed, unique } from './audit-fault.js';
import { AuditSealer } from './audit-sealer.service.js';
import { type AuditSetBack, marksOf, readMark } from './audit-set-back.js';
import * as store from './audit-store.js';

/** Seals read at once. */
const BATCH = 50;
/** Entries that nothing vouches for that are named at most. */
const NAMED = 1_000;

export interface AuditReport {
  entries: number;
  seals: number;
  /** Entries that wait for their seal; nothing vouches for them yet. */
  waiting: number;
  /** The last seal as `number:mac`. Kept elsewhere, it proves later that nothing up to here was set back. */
  head: string | null;
  faults: AuditFault[];
  /** When Postgres lost the end of the log. That is no tampering, but entries are gone for which nobody vouches. */
  setBacks: AuditSetBack[];
}

type Findings = Pick<AuditReport, 'faults' | 'setBacks'>;

/** Finds what was done to the audit log behind the server's back, and says to which entry. */
@Injectable()
export class AuditVerifier {
  constructor(
    private readonly database: Database,
    private readonly chain: AuditChain,
    private readonly sealer: AuditSealer,
  ) {}

  /**
   * Compares every entry with its seal and every seal with the one before it. `expected` is the head of a former report.
   * `progress` is told how many entries were compared. One snapshot of the database, so servers may run meanwhile. What
   * waits is sealed before, in `timeout` milliseconds. Throws ClocksApartError.
   */
  async verify(
    expected?: string,
    progress: (entries: number) => void = () => {},
    timeout = CHAIN_TIMEOUT,
  ): Promise<AuditReport> {
    const [faults, setBacks]: [AuditFault[], AuditSetBack[]] = [[], []];
    await this.sealer.sealAll(timeout).catch((error) => faults.push(...brokenOr(error)));
    return this.database.transactionOnce(async (manager) => {
      await manager.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const anchor = await this.place('anchor', faults, manager);
      let last: ChainPosition = anchor ?? GENESIS;
      let [entries, seals, met] = [0, 0, expected === undefined];
      for (;;) {
        const batch = await manager.query<Seal[]>(store.SEALS, [last.number, BATCH]);
        const found = await this.examine(batch, last, manager);
        faults.push(...found.faults);
        setBacks.push(...found.setBacks);
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
      if (expected !== undefined && !met) faults.push(missed(expected, setBacks));
      const { waiting, missing, stuck } = await this.waiting(manager);
      faults.push(...(await this.examineEnd(last, manager)), ...(await this.beside(seals, manager)), ...missing);
      if (stuck > 0) faults.push(broken(`${stuck} entries are not of this minute and have no seal.`));
      return {
        entries,
        seals,
        waiting,
        head: seals > 0 || anchor ? headOf(last) : null,
        faults: unique(faults),
        setBacks,
      };
    });
  }

  /** What is found in seals that follow `before`, and in their entries. */
  async examine(seals: Seal[], before: ChainPosition, manager: EntityManager): Promise<Findings> {
    const [faults, setBacks]: [AuditFault[], AuditSetBack[]] = [[], []];
    const accepted = await this.accepted(faults, manager);
    let last = before;
    for (const seal of seals) {
      const gap = BigInt(seal.number) - BigInt(last.number) - 1n;
      if (gap > 0n) {
        const first = BigInt(last.number) + 1n;
        const which = gap === 1n ? `${first}` : `${first}-${first + gap - 1n}`;
        faults.push({ kind: 'seal_missing', subject: which, detail: `Seal ${which} was removed.` });
      } else if (!sameMac(this.chain.macs.ofSeal(seal, last.seal), seal.mac)) {
        faults.push({ kind: 'seal_changed', subject: seal.number, detail: `Seal ${seal.number} was changed.` });
      }
      const entries = await readEntries(seal.ids, manager);
      faults.push(...this.examineEntries(seal, entries));
      const isAccepted = BigInt(seal.number) <= accepted;
      if (!isAccepted) faults.push(...late(seal, entries));
      for (const entry of marksOf(entries)) {
        const mark = readMark(entry, seal, last, this.chain.macs);
        if (mark) setBacks.push({ ...mark, accepted: isAccepted });
        else if (!isAccepted) faults.push(invented(entry));
      }
      last = { number: seal.number, seal: seal.mac };
    }
    return { faults, setBacks };
  }

  /** The number of the seal up to which audit:accept lets them stand; of another chain it says nothing. */
  private async accepted(faults: AuditFault[], manager: EntityManager): Promise<bigint> {
    const place = await this.place('accepted', faults, manager);
    if (!place) return 0n;
    const [seal] = await manager.query<{ mac: Buffer }[]>(store.SEAL_AT, [place.number]);
    return seal && sameMac(seal.mac, place.seal) ? BigInt(place.number) : 0n;
  }

  private examineEntries({ number, ids, macs }: Seal, entries: SealedEntry[]): AuditFault[] {
    const found = byId(entries);
    return ids.flatMap((id, index): AuditFault[] => {
      const entry = found.get(id);
      if (entry === undefined)
        return [{ kind: 'entry_missing', subject: id, detail: `Entry ${id} of seal ${number} was removed.` }];
      if (entry === null)
        return [
          { kind: 'entry_added', subject: id, detail: `Entry ${id} of seal ${number} stands there more than once.` },
        ];
      const mac = macs.subarray(index * ENTRY_MAC, (index + 1) * ENTRY_MAC);
      if (sameMac(this.chain.macs.ofEntry(entry), mac)) return [];
      return [{ kind: 'entry_changed', subject: id, detail: `Entry ${id} of seal ${number} was changed.` }];
    });
  }

  private async examineEnd(last: ChainPosition, manager: EntityManager): Promise<AuditFault[]> {
    const faults: AuditFault[] = [];
    const head = await this.place('head', faults, manager);
    if (faults.length > 0) return faults;
    if (!head) return [broken('The head of the audit chain was removed.')];
    if (BigInt(head.number) > BigInt(last.number)) {
      return [broken(`The chain is cut off after seal ${last.number}: it went on to seal ${head.number}.`)];
    }
    if (isSame(head, last)) return [];
    return [broken(`The chain ends with seal ${last.number}, which is not the one that was written.`)];
  }

  /** Entries and seals that came in beside the server. */
  private async beside(seals: number, manager: EntityManager): Promise<AuditFault[]> {
    const added = await manager.query<{ id: string }[]>(store.UNKNOWN_ENTRIES, [NAMED + 1]);
    const [all] = await manager.query<{ count: number }[]>(store.COUNT_SEALS);
    const faults = added
      .slice(0, NAMED)
      .map(({ id }): AuditFault => ({ kind: 'entry_added', subject: id, detail: `Entry ${id} was added.` }));
    if (added.length > NAMED) faults.push(broken(`More entries were added than the ${NAMED} that are named.`));
    if (all?.count !== seals) faults.push(broken(`There are ${all?.count} seals, of which the chain holds ${seals}.`));
    return faults;
  }

  /** How many wait for their seal, which of them went before it came, and how many it should have reached long ago. */
  private async waiting(manager: EntityManager): Promise<{ waiting: number; missing: AuditFault[]; stuck: number }> {
    const [row] = await manager.query<{ count: number; missing: string[]; stuck: number }[]>(store.WAITING, [OLD]);
    const missing = (row?.missing ?? []).map(
      (id): AuditFault => ({ kind: 'entry_missing', subject: id, detail: `Entry ${id} was removed unsealed.` }),
    );
    return { waiting: row?.count ?? 0, missing, stuck: row?.stuck ?? 0 };
  }

  private async place(
    place: PositionName,
    faults: AuditFault[],
    manager: EntityManager,
  ): Promise<ChainPosition | null> {
    try {
      return await this.chain.read(place, manager);
    } catch (error) {
      faults.push(...brokenOr(error));
      return null;
    }
  }
}
