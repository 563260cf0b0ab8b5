interface Place {
  last: Promise<unknown>;
  length: number;
}

/** One line for each key: who comes later starts when those before are through. Idle keys take no memory. */
export class KeyedMutex {
  private readonly places = new Map<string, Place>();

  constructor(private readonly longest: number) {}

  /** Runs `work` in its turn. Returns undefined, at once, where the line is as long as it may be. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> | undefined {
    const place = this.places.get(key) ?? { last: Promise.resolve(), length: 0 };
    if (place.length >= this.longest) return undefined;
    place.length++;
    this.places.set(key, place);
    const turn = place.last.then(work);
    place.last = turn
      .catch(() => undefined)
      .then(() => {
        if (--place.length === 0) this.places.delete(key);
      });
    return turn;
  }
}
