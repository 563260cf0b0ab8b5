/** The part of localStorage that this package needs. */
export interface PageStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/** Undefined outside of a page, and in a page without permission to use storage, where even reading the property throws. */
export function pageStorage(): PageStorage | undefined {
  try {
    return typeof document === 'undefined' ? undefined : globalThis.localStorage;
  } catch {
    return undefined;
  }
}
