/** 128 bits of id, a value and the second in which the entry lapses; no entry lapses in second 0. */
const LANES = 6;
const VALUE = 4;
const LAPSES = 5;
const LEAST_CAPACITY = 1024;
const FULLEST = 0.7;

/**
 * A map from UUID to a 32-bit number whose entries lapse: 34 to 96 bytes an entry, outside the garbage-collected heap.
 * A Map of strings takes about 150 bytes an entry, and a million logouts in 15 minutes must fit (docs/decisions).
 * Open addressing with linear probing; lapsed entries are dropped when the table is rebuilt to grow.
 */
export class UuidTable {
  private capacity = LEAST_CAPACITY;
  private slots = new Uint32Array(LEAST_CAPACITY * LANES);
  private used = 0;
  private readonly key = new Uint32Array(4);

  /** `now` gives seconds since the epoch. */
  constructor(private readonly now: () => number) {}

  /** The value of an id, or undefined where there is none or it has lapsed. */
  get(id: string): number | undefined {
    parseUuid(id, this.key);
    const at = this.find(this.key);
    const lapses = this.slots[at + LAPSES] ?? 0;
    return lapses !== 0 && lapses >= this.now() ? this.slots[at + VALUE] : undefined;
  }

  /** Keeps a value until a second has passed. An earlier entry of the same id is replaced. */
  set(id: string, value: number, lapses: number): void {
    parseUuid(id, this.key);
    let at = this.find(this.key);
    if (this.slots[at + LAPSES] === 0) {
      if (this.used >= this.capacity * FULLEST) {
        this.rebuild();
        at = this.find(this.key);
      }
      this.used++;
    }
    this.slots.set(this.key, at);
    this.slots[at + VALUE] = value;
    this.slots[at + LAPSES] = Math.max(1, lapses);
  }

  /** Bytes that the table holds. */
  get bytes(): number {
    return this.slots.byteLength;
  }

  /** The slot of a key, or the free one where it belongs. */
  private find(key: Uint32Array): number {
    const { slots, capacity } = this;
    // The low half of a UUIDv7 is random, so a multiplication spreads it well enough.
    let index = Math.imul((key[3] ?? 0) ^ (key[2] ?? 0) ^ (key[1] ?? 0), 0x9e3779b1) >>> (32 - Math.log2(capacity));
    for (;;) {
      const at = index * LANES;
      if (slots[at + LAPSES] === 0) return at;
      if (slots[at] === key[0] && slots[at + 1] === key[1] && slots[at + 2] === key[2] && slots[at + 3] === key[3])
        return at;
      index = (index + 1) & (capacity - 1);
    }
  }

  private rebuild(): void {
    const old = this.slots;
    const now = this.now();
    let live = 0;
    for (let at = 0; at < old.length; at += LANES) if ((old[at + LAPSES] ?? 0) >= now) live++;
    this.capacity = LEAST_CAPACITY;
    while (live > this.capacity / 2) this.capacity *= 2;
    this.slots = new Uint32Array(this.capacity * LANES);
    this.used = live;
    for (let at = 0; at < old.length; at += LANES) {
      if ((old[at + LAPSES] ?? 0) < now || old[at + LAPSES] === 0) continue;
      const entry = old.subarray(at, at + LANES);
      this.slots.set(entry, this.find(entry));
    }
  }
}

/** Reads the 32 hexadecimal digits of a UUID into four numbers without making a string. */
function parseUuid(id: string, into: Uint32Array): void {
  let word = 0;
  let digits = 0;
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    if (code === 45) continue;
    word = (word << 4) | (code < 58 ? code - 48 : (code | 32) - 87);
    if ((++digits & 7) === 0) into[(digits >> 3) - 1] = word;
  }
}
