import { v7 } from 'uuid';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A new id: UUID version 7 (RFC 9562, 5.7), so that rows made later sort later. An id alone never authorises. */
export function newId(): string {
  return v7();
}

/** Whether a text is a UUID in its one canonical spelling. */
export function isId(text: string): boolean {
  return UUID.test(text);
}

/** The least UUIDv7 of a moment (milliseconds since the epoch): everything older sorts before it. */
export function firstIdAt(time: number): string {
  const hex = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
