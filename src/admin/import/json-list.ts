import { type Bytes, LONGEST_RECORD, parseRecord, type SourceLine } from './source-line.js';

/** Where the users stand in a JSON file. */
export interface JsonLists {
  /** The keys whose lists hold them, in the object that the file is. */
  keys: readonly string[];
  /** Whether a list that is the file holds objects with such keys, not the users themselves. */
  nested?: boolean;
}

const DEEPEST = 64;
const [QUOTE, COMMA, COLON, BACKSLASH, LINE_FEED] = [0x22, 0x2c, 0x3a, 0x5c, 0x0a];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The file cannot be read any further, in words for the person who prepares it. */
export class JsonListError extends Error {}

/**
 * Cuts a JSON file into the elements of its lists of users, one at a time, whatever else it holds and however long it is.
 * An element is judged when it is parsed, so what is wrong with one of them takes nothing away from the others. A
 * streaming parser that was tried (@streamparser/json) ends at the first, and took a third longer.
 */
export class JsonListReader {
  /** The brackets that are open; whether each is a list of users. */
  private readonly open: { isList: boolean; isObject: boolean }[] = [];
  private line = 1;
  private isInString = false;
  private isEscaped = false;
  /** The string that was read last where it may be a key. */
  private text = '';
  private key = '';
  private element: { line: number; depth: number; parts: Buffer[]; length: number } | null = null;
  private found = false;

  constructor(private readonly lists: JsonLists) {}

  /** Throws JsonListError. */
  async *read(input: Bytes): AsyncGenerator<SourceLine> {
    for await (const chunk of input) yield* this.take(chunk);
    if (!this.found)
      throw new JsonListError(`There is no list of users in it (${this.lists.keys.join(', ') || '[…]'}).`);
    if (this.open.length > 0) throw new JsonListError('It ends in the middle: the list is not closed.');
  }

  private *take(chunk: Buffer): Generator<SourceLine> {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === LINE_FEED) this.line++;
      if (this.open.length === 0 && byte > 0x20) this.checkOutside(byte);
      if (this.isInString) this.inString(byte);
      else if (this.isEnd(byte)) {
        yield* this.end(chunk.subarray(from, at));
        this.structure(byte);
      } else {
        if (!this.element && this.open.at(-1)?.isList && byte > 0x20 && byte !== COMMA && byte !== CLOSE_LIST) {
          this.element = { line: this.line, depth: this.open.length, parts: [], length: 0 };
          from = at;
        }
        this.structure(byte);
      }
    }
    if (this.element) this.keep(chunk.subarray(from));
  }

  /** Whether the byte ends the element that is being read. */
  private isEnd(byte: number): boolean {
    return this.element?.depth === this.open.length && (byte === COMMA || byte === CLOSE_LIST);
  }

  private keep(part: Buffer): void {
    const { element } = this;
    if (!element) return;
    element.length += part.length;
    element.parts = element.length > LONGEST_RECORD ? [] : [...element.parts, part];
  }

  private *end(part: Buffer): Generator<SourceLine> {
    this.keep(part);
    const { line = 0, parts = [], length = 0 } = this.element ?? {};
    this.element = null;
    if (length > LONGEST_RECORD) yield { line, record: {}, fault: 'The user is longer than 64 KiB.' };
    else yield { line, record: parseRecord(Buffer.concat(parts)) };
  }

  private inString(byte: number): void {
    if (this.isEscaped) this.isEscaped = false;
    else if (byte === BACKSLASH) this.isEscaped = true;
    else if (byte === QUOTE) this.isInString = false;
    else if (!this.element && this.text.length < 64) this.text += String.fromCharCode(byte);
  }

  private structure(byte: number): void {
    if (byte === QUOTE) {
      this.isInString = true;
      this.text = '';
    } else if (byte === COLON) this.key = this.text;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) this.enter(byte === OPEN_OBJECT);
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      const closed = this.open.pop();
      if (closed?.isObject !== (byte === CLOSE_OBJECT)) throw new JsonListError(`Line ${this.line}: this is no JSON.`);
    }
  }

  /** What stands beside the lists would be lost without a word. */
  private checkOutside(byte: number): void {
    if (byte === OPEN_LIST || (byte === OPEN_OBJECT && this.lists.keys.length > 0) || BYTE_ORDER_MARK.includes(byte))
      return;
    throw new JsonListError(`Line ${this.line}: here stands what belongs to no list of users.`);
  }

  private enter(isObject: boolean): void {
    if (this.open.length === DEEPEST) throw new JsonListError(`Line ${this.line}: this is nested too deeply.`);
    const { keys, nested = false } = this.lists;
    const depth = this.open.length;
    const isInside = depth === 1 || (nested && depth === 2 && this.open[0]?.isObject === false);
    const isNamed = isInside && this.open.at(-1)?.isObject === true && keys.includes(this.key);
    const isList = !this.element && !isObject && (depth === 0 ? !nested : isNamed);
    if (isList) this.found = true;
    this.open.push({ isList, isObject });
    this.key = '';
  }
}
