/**
 * A bounded map that forgets what was not used for longest, roughly: two generations of half the size, the older of which
 * is dropped whole. A look-up in the younger one is a look-up in a Map and nothing more; general LRU libraries relink or
 * check an age each time, which shows at this place.
 */
export class TwoGenerationCache<Value> {
  private young = new Map<string, Value>();
  private old = new Map<string, Value>();

  /** Holds between half of `size` and `size` entries once it is full. */
  constructor(private readonly size: number) {}

  get(key: string): Value | undefined {
    const value = this.young.get(key);
    if (value !== undefined) return value;
    const older = this.old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: string, value: Value): void {
    this.young.set(key, value);
    if (this.young.size < this.size / 2) return;
    this.old = this.young;
    this.young = new Map();
  }
}
