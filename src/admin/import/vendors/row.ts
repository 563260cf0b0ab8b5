import { trimBlanks } from '../../../platform/common/trim-blanks.js';
import { readMoment } from '../moment.js';

/** Seconds since 1970, whole or with a fraction. */
const SECONDS = /^\d{9,10}(?:\.\d+)?$/;
/** What MySQL and SQL Server write where there is nothing. */
const NOTHING = new Set(['', 'NULL', '\\N', '0000-00-00 00:00:00']);

/**
 * One record of an export. Its fields are found in any case, with or without underscores or blanks: tools rename columns as they
 * like.
 */
export class Row {
  private readonly fields: Map<string, unknown>;

  constructor(record: object) {
    this.fields = new Map(Object.entries(record).map(([name, value]) => [keyOf(name), value]));
  }

  /** The first of these fields that holds anything, as text. */
  text(...names: string[]): string | undefined {
    for (const name of names) {
      const value = this.fields.get(keyOf(name));
      const text = typeof value === 'string' ? trimBlanks(value) : typeof value === 'number' ? String(value) : '';
      if (!NOTHING.has(text)) return text;
    }
    return undefined;
  }

  /** Whether the field says yes, as JSON or any database writes it. */
  flag(name: string): boolean {
    return this.fields.get(keyOf(name)) === true || /^(true|t|1|yes|y)$/i.test(this.text(name) ?? '');
  }

  /** Whether the field says no, and is not merely absent. */
  isFalse(name: string): boolean {
    return this.fields.get(keyOf(name)) === false || /^(false|f|0|no|n)$/i.test(this.text(name) ?? '');
  }

  /** Milliseconds since 1970, in UTC where the export names no zone; any other text is left for the import to refuse. */
  time(...names: string[]): number | string | undefined {
    const text = this.text(...names);
    if (text === undefined) return undefined;
    // SQLite and AWS count seconds. As milliseconds so few would be a day of 1970, before any of these programs.
    if (SECONDS.test(text)) return Math.floor(Number(text) * 1000);
    return readMoment(text, 'Z')?.getTime() ?? text;
  }

  /** Whether the moment in the field is after `than`; `infinity`, and a text that names no moment, count as one without an end. */
  isAfter(than: Date, ...names: string[]): boolean {
    const text = this.text(...names);
    if (text === undefined) return false;
    const at = this.time(...names);
    return typeof at === 'number' ? at > than.getTime() : !text.startsWith('-');
  }

  /** The record without the apostrophe that stands before each text, where spreadsheets must not take it for a formula. */
  withoutApostrophes(): Row {
    const bare = (value: unknown) => (typeof value === 'string' ? value.replace(/^'/, '') : value);
    return new Row(Object.fromEntries([...this.fields].map(([name, value]) => [name, bare(value)])));
  }

  /** The objects in a field, which in a CSV is JSON within JSON. */
  list(name: string): Row[] {
    const value = this.parsed(name);
    return Array.isArray(value) ? value.filter(isObject).map((element) => new Row(element)) : [];
  }

  /** The texts in a field. */
  texts(name: string): string[] {
    const value = this.parsed(name);
    return Array.isArray(value) ? value.filter((element): element is string => typeof element === 'string') : [];
  }

  /** The object in a field; without fields where there is none. */
  object(name: string): Row {
    const value = this.parsed(name);
    return new Row(isObject(value) ? value : {});
  }

  /** Whether the field holds more than nothing: no blank, `false`, empty list or empty object. */
  has(name: string): boolean {
    const value = this.parsed(name);
    if (value === undefined || value === null || value === false) return false;
    if (typeof value === 'string') return !NOTHING.has(value);
    return typeof value !== 'object' || Object.keys(value).length > 0;
  }

  /** The names of the fields that hold anything, as they are compared. */
  names(): string[] {
    return [...this.fields.keys()].filter((name) => this.has(name));
  }

  private parsed(name: string): unknown {
    const value = this.fields.get(keyOf(name));
    if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      return value;
    }
  }
}

function keyOf(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, '');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
