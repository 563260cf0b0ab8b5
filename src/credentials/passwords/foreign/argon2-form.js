import { verifySync } from '@node-rs/argon2';
import { MEMORY } from './bounds.js';

/** KiB times passes. */
const MOST_WORK = 2 ** 20;

/** PHC string format. Node 20 has no argon2, and @node-rs/argon2 ships its binaries. @type {import('./bounds.js').Form} */
export const ARGON2_FORM = {
  form: /^\$argon2(?:id|i|d)\$v=(?:16|19)\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,172}$/,
  read: ([hash = '', memory, passes, lanes]) => {
    const [m, t, p] = [Number(memory), Number(passes), Number(lanes)];
    if (m * 1024 > MEMORY || m < 8 * p || t < 1 || p < 1 || p > 16 || m * t > MOST_WORK) return null;
    return (password) => verifySync(hash, password);
  },
};
