import type { PageStorage } from '../../client/src/page-storage.js';

/** What localStorage is to the tabs of a browser, and what was written to it. */
export class FakeStorage implements PageStorage {
  readonly items = new Map<string, string>();
  readonly written: string[] = [];

  getItem(name: string): string | null {
    return this.items.get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    this.written.push(value);
    this.items.set(name, value);
  }

  removeItem(name: string): void {
    this.items.delete(name);
  }
}
