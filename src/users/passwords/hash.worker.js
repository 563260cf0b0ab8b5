// Plain JavaScript, because a worker thread loads it straight from `src` under Jest and from `dist` when built.
import bcrypt from 'bcrypt';

/** @param {{ secret: string, cost: number }} job */
export const hash = ({ secret, cost }) => bcrypt.hashSync(secret, cost);

/** @param {{ secret: string, hash: string }} job */
export const verify = ({ secret, hash }) => bcrypt.compareSync(secret, hash);
