// Refreshes sessions at a steady rate, in a process of its own so that it does not hold up what is measured.
import { call } from './server.js';

/**
 * @typedef {object} Load
 * @property {string[]} urls
 * @property {string[]} tokens one refresh token a session
 * @property {number} rate refreshes a second
 */

const TICK = 20;

process.on('message', (/** @type {Load} */ { urls, tokens, rate }) => {
  const idle = [...tokens.keys()];
  const began = performance.now();
  let [asked, done] = [0, 0];
  const refresh = async (/** @type {number} */ n) => {
    const url = `${urls[asked % urls.length]}/v1/auth/refresh`;
    tokens[n] = (await call(url, { method: 'POST', body: { refreshToken: tokens[n] } })).refreshToken;
    done++;
    idle.push(n);
  };
  const timer = setInterval(() => {
    while (asked < ((performance.now() - began) / 1000) * rate && idle.length > 0) {
      asked++;
      void refresh(Number(idle.shift()));
    }
  }, TICK);
  process.once('SIGTERM', () => {
    clearInterval(timer);
    process.send?.(done / ((performance.now() - began) / 1000), () => process.disconnect());
  });
});
