import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** The bytes of an HMAC that a seal keeps of each entry. */
export const ENTRY_MAC = 16;

/** An entry with each column as Postgres writes it out, to the microsecond. */
export interface SealedEntry {
  id: string;
  columns: (string | null)[];
}

/** What a seal says: which entries, in which order, and what each was. */
export interface Seal {
  number: string;
  sealedAt: string;
  ids: string[];
  macs: Buffer;
  mac: Buffer;
}

/** Places of the chain: its end, its beginning after retention, and up to where late seals were accepted. */
export type PositionName = 'head' | 'anchor' | 'accepted';

/** A moment as text that is the same for every time zone and date style of a connection. */
const moment = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`;

/** The select list of SealedEntry. As JSON, since reading an array of Postgres takes a millisecond for each KiB of it. */
export const ENTRY_COLUMNS = `id, array_to_json(ARRAY[id::text, type, actor_id::text, user_id::text, ip::text, user_agent, request_id,
  ${moment('at')}, data::text]) AS columns`;

/** Which of the columns is which. */
const COLUMN = { type: 1, at: 7, data: 8 } as const;

/** The select list of Seal. */
export const SEAL_COLUMNS = `number::text, ${moment('sealed_at')} AS "sealedAt", ids, macs, mac`;

/** The HMACs of the audit log. Without APP_SECRET nobody can make one that fits, whatever rights they have in Postgres. */
export class AuditMacs {
  constructor(private readonly key: Buffer) {}

  /** Of one entry. JSON keeps the columns apart: no two different rows give the same text. */
  ofEntry({ columns }: SealedEntry): Buffer {
    return this.mac('entry', JSON.stringify(columns)).subarray(0, ENTRY_MAC);
  }

  /** Of a seal, which holds the one before it. */
  ofSeal({ number, sealedAt, ids, macs }: Omit<Seal, 'mac'>, before: Buffer): Buffer {
    return this.mac('seal', JSON.stringify([number, sealedAt, ids]), macs, before);
  }

  /** What retention shows of a seal, and nobody else can, before the database lets it go, and the next seal before it is taken. */
  releaseOf(seal: Buffer): Buffer {
    return this.mac('release', seal);
  }

  /** What the database keeps of that: it tells whether what is shown is right, and does not tell what to show. */
  commitmentOf(seal: Buffer): Buffer {
    return createHash('sha256').update(this.releaseOf(seal)).digest();
  }

  /** Of the statement that this seal is that place of the chain. */
  ofPosition(place: PositionName, number: string, seal: Buffer): Buffer {
    return this.mac(place, number, seal);
  }

  /** Of the statement that a server had seen the chain end with `from` and found it end with `to`. */
  ofSetBack(from: string, to: string): Buffer {
    return this.mac('set back', from, to);
  }

  private mac(kind: string, ...parts: (string | Buffer)[]): Buffer {
    const hmac = createHmac('sha256', this.key).update(`${kind}\n`);
    for (const part of parts) hmac.update(`${Buffer.byteLength(part)}\n`).update(part);
    return hmac.digest();
  }
}

/** The entry of each id, or null where more than one row claims to be it. */
export function byId(entries: SealedEntry[]): Map<string, SealedEntry | null> {
  const found = new Map<string, SealedEntry | null>();
  for (const entry of entries) found.set(entry.id, found.has(entry.id) ? null : entry);
  return found;
}

/** A column of an entry as Postgres writes it out. */
export function column({ columns }: SealedEntry, name: keyof typeof COLUMN): string | null {
  return columns[COLUMN[name]] ?? null;
}

/** Milliseconds between an entry and its seal, whichever came first. */
export function apart(entry: SealedEntry, { sealedAt }: Seal): number {
  return Math.abs(Date.parse(`${column(entry, 'at')}Z`) - Date.parse(`${sealedAt}Z`));
}

/** Whether two HMACs are the same, in a time that does not tell where they differ. */
export function sameMac(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
