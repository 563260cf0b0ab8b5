// Runs one statement for one id after another, on several connections, in a process of its own.
import pg from 'pg';

/**
 * @typedef {object} Work
 * @property {string} url
 * @property {string} statement with the id as $1
 * @property {string[]} ids
 * @property {number} connections
 * @property {number} [rate] statements a second; without one as many as there can be
 */

process.on(
  'message',
  async (/** @type {Work} */ { url, statement, ids, connections, rate = Number.POSITIVE_INFINITY }) => {
    const began = performance.now();
    const seconds = () => (performance.now() - began) / 1000;
    let [next, isOver] = [0, false];
    process.once('SIGTERM', () => {
      isOver = true;
    });
    await Promise.all(
      Array.from({ length: connections }, async () => {
        const client = new pg.Client({ connectionString: url });
        await client.connect();
        while (!isOver && (next < ids.length || rate === Number.POSITIVE_INFINITY)) {
          if (next >= seconds() * rate) await new Promise((resolve) => setTimeout(resolve, 2));
          else await client.query({ name: 'write', text: statement, values: [ids[next++ % ids.length]] });
        }
        await client.end();
      }),
    );
    process.send?.(next / seconds(), () => process.disconnect());
  },
);
