/**
 * Writes to stderr the longest delay of the event loop since it was asked last, in ms, whenever the process gets SIGUSR2:
 * `node --import file:///…/loop-delay.js`. In JavaScript, because Node loads it as it is.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
process.on('SIGUSR2', () => {
  process.stderr.write(`Loop delay: ${Math.round(delay.max / 1e6)} ms\n`);
  delay.reset();
});
