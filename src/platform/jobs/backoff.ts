import { randomInt } from 'node:crypto';

/** So many milliseconds or up to a quarter less, so that instances do not all come at once. */
export function jittered(ms: number): number {
  return randomInt(Math.ceil(ms * 0.75), ms + 1);
}
