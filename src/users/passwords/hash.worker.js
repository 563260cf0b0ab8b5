// Plain JavaScript, because a worker thread loads it straight from `src` under Jest and from `dist` when built.
import bcrypt from 'bcrypt';
import { verifyForeign } from './foreign-hashes.js';

/** @param {{ secret: string, cost: number }} job */
export const hash = ({ secret, cost }) => bcrypt.hashSync(secret, cost);

/** @param {{ secret: string, hash: string }} job */
export const verify = ({ secret, hash }) => bcrypt.compareSync(secret, hash);

/** @param {{ secret: string, hash: string }} job */
export const verifyImported = ({ secret, hash }) => verifyForeign(secret, hash);
