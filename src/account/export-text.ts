/** Characters that are handed on at once: what waits for a slow reader is about as much, and each piece taken is progress. */
const PIECE = 16 * 1024;

/** The lists of an export by name, each read page by page. */
export type PagedLists = Record<string, AsyncIterable<readonly unknown[]>>;

/**
 * The text of one JSON object: `head` with its members, then each list, of which one page is held at a time. What throws
 * on the way breaks the text off, and what was sent so far is no JSON.
 */
export async function* exportText(head: object, lists: PagedLists): AsyncGenerator<string> {
  let text = JSON.stringify(head).slice(0, -1);
  for (const [name, pages] of Object.entries(lists)) {
    text += `,${JSON.stringify(name)}:[`;
    let separator = '';
    for await (const page of pages) {
      for (const item of page) {
        text += separator + JSON.stringify(item);
        separator = ',';
        if (text.length < PIECE) continue;
        yield text;
        text = '';
      }
    }
    text += ']';
  }
  yield `${text}}`;
}

/** Reads so many rows of a list at most, those that follow a row of it. */
export type ReadPage<Row> = (limit: number, after: Row | null) => Promise<Row[]>;

/** Reads a list by its key, a page at a time. What `read` throws ends the list. */
export async function* pagesOf<Row>(read: ReadPage<Row>, size: number): AsyncGenerator<Row[]> {
  for (let after: Row | null = null; ; ) {
    const rows: Row[] = await read(size, after);
    yield rows;
    after = rows.at(-1) ?? null;
    if (rows.length < size || after === null) return;
  }
}

/** The same pages with what `show` makes of each row; a row of which it makes null is left out. */
export async function* mapPages<Row, Item>(
  pages: AsyncIterable<Row[]>,
  show: (row: Row) => Item | null,
): AsyncGenerator<Item[]> {
  for await (const rows of pages) yield rows.map(show).filter((item) => item !== null);
}
