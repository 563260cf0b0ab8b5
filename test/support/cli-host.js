import { Readable } from 'node:stream';

/** Run by cli.ts as a program of its own: the built command line, loaded once, for one command after another. */
const { run } = await import(new URL('../../dist/src/cli/program.js', import.meta.url).href);

process.on('message', async (/** @type {{ args: string[], env: Record<string, string>, input: string }} */ given) => {
  const said = { stdout: '', stderr: '' };
  for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
    process[name].write = (/** @type {unknown} */ text) => {
      said[name] += text;
      return true;
    };
  }
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(given.input)]), configurable: true });
  process.env = given.env;
  process.exitCode = 0;
  await run(given.args);
  process.send?.({ code: process.exitCode, ...said });
});
