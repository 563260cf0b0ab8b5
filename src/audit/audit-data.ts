/** Items of a list that an entry names at most; how many there were is said beside. */
const NAMED = 100;
/** Characters of a text that an entry keeps at most. */
const LONGEST_TEXT = 1_000;
/** Bytes of what an entry says, as JSON. The database takes twice as much, so that it never refuses what was shortened here. */
const LARGEST = 16 * 1024;

type Data = Record<string, unknown>;

/**
 * What an entry may say of what happened, however much that was: of a list the first hundred, with their number as
 * `<name>Count`, and of a text its beginning. Where that is still more than 16 KiB, the lists keep their number alone.
 */
export function boundedData(data: Data): Data {
  for (const named of [NAMED, 10, 0]) {
    const bounded = shorten(data, named);
    if (Buffer.byteLength(JSON.stringify(bounded)) <= LARGEST) return bounded;
  }
  return { shortened: Object.keys(data).slice(0, NAMED).map(shortText) };
}

function shorten(data: Data, named: number): Data {
  return Object.fromEntries(
    Object.entries(data).flatMap(([name, value]): [string, unknown][] => {
      if (typeof value === 'string') return [[name, shortText(value)]];
      if (!Array.isArray(value) || value.length <= named) return [[name, value]];
      return [
        [name, value.slice(0, named)],
        [`${name}Count`, value.length],
      ];
    }),
  );
}

function shortText(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
