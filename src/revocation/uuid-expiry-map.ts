/** 128 bits of id, a value and the second in which the entry lapses; no entry lapses in second 0. */
const LANES = 6;
const VALUE = 4;
const LAPSES = 5;
/** The second in which an entry that is forgotten has lapsed. */
const LONG_AGO = 1;
const LEAST_CAPACITY = 16;
const FULLEST = 0.7;

const SHARDS = 256;

/**
 * A map from UUID to a 32-bit number whose entries lapse: 34 to 96 bytes an entry, outside the garbage-collected heap.
 * A Map of strings takes about 150 bytes an entry, and a million logouts in 15 minutes must fit (docs/decisions).
 * In 256 shards, each of which grows by itself: to rebuild a table of a million entries at once would hold up requests.
 */
export class UuidExpiryMap {
  private readonly shards: Shard[];
  private readonly key = new Uint32Array(4);

  /** `now` gives seconds since the epoch. */
  constructor(now: () => number) {
    this.shards = Array.from({ length: SHARDS }, () => new Shard(now));
  }

  /** The value of an id, or undefined where there is none or it has lapsed. */
  get(id: string): number | undefined {
    parseUuid(id, this.key);
    return this.shardOf(this.key).get(this.key);
  }

  /** Keeps a value until a second has passed. An earlier entry of the same id is replaced. */
  set(id: string, value: number, lapses: number): void {
    parseUuid(id, this.key);
    this.shardOf(this.key).set(this.key, value, lapses);
  }

  /** Lets the entry of an id, where there is one, lapse at once. */
  forget(id: string): void {
    parseUuid(id, this.key);
    this.shardOf(this.key).forget(this.key);
  }

  /** What has not lapsed yet, in no order. An entry that is set meanwhile may be among it or not. */
  *entries(): Generator<[id: string, value: number]> {
    for (const shard of this.shards) yield* shard.entries();
  }

  /** Bytes that the table holds. */
  get bytes(): number {
    return this.shards.reduce((sum, shard) => sum + shard.bytes, 0);
  }

  /** By the last byte, which is random in every version of UUID that is made today. */
  private shardOf(key: Uint32Array): Shard {
    return this.shards[(key[3] ?? 0) & (SHARDS - 1)] as Shard;
  }
}

/** Open addressing with linear probing; lapsed entries are dropped when the shard is rebuilt to grow. */
class Shard {
  private capacity = LEAST_CAPACITY;
  private slots = new Uint32Array(LEAST_CAPACITY * LANES);
  private used = 0;

  constructor(private readonly now: () => number) {}

  get(key: Uint32Array): number | undefined {
    const at = this.find(key);
    const lapses = this.slots[at + LAPSES] ?? 0;
    return lapses !== 0 && lapses >= this.now() ? this.slots[at + VALUE] : undefined;
  }

  set(key: Uint32Array, value: number, lapses: number): void {
    let at = this.find(key);
    if (this.slots[at + LAPSES] === 0) {
      if (this.used >= this.capacity * FULLEST) {
        this.rebuild();
        at = this.find(key);
      }
      this.used++;
    }
    this.slots.set(key, at);
    this.slots[at + VALUE] = value;
    this.slots[at + LAPSES] = Math.max(1, lapses);
  }

  /** The slot stays taken, since others may have been put behind it. */
  forget(key: Uint32Array): void {
    const at = this.find(key);
    if (this.slots[at + LAPSES] !== 0) this.slots[at + LAPSES] = LONG_AGO;
  }

  *entries(): Generator<[id: string, value: number]> {
    const { slots } = this;
    const now = this.now();
    for (let at = 0; at < slots.length; at += LANES) {
      if ((slots[at + LAPSES] ?? 0) < now || slots[at + LAPSES] === 0) continue;
      yield [formatUuid(slots.subarray(at, at + VALUE)), slots[at + VALUE] ?? 0];
    }
  }

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

/** The canonical spelling of an id. */
function formatUuid(words: Uint32Array): string {
  const hex = Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
