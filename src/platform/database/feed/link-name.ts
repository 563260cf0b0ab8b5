import { randomBytes } from 'node:crypto';
import { LISTENER } from './pulse.js';

/** The injection token of the name of this instance's link. */
export const LINK_NAME = Symbol('LINK_NAME');

/** Where a process that shares its link with workers tells them the name of it. */
export const LINK_NAME_VARIABLE = 'GATEHOUSE_LINK_NAME';

/** The name of this instance's link in pg_stat_activity, which no other instance has. */
export function linkName(): string {
  return process.env[LINK_NAME_VARIABLE] ?? `${LISTENER} ${randomBytes(6).toString('hex')}`;
}
