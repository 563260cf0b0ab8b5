/**
 * Goes on where nobody reads the log any more, such as `head` that has seen enough or a collector that restarts: a pipe that
 * breaks ends a process that does not listen to that, and would leave an embedded Postgres behind.
 */
export function outliveLogReader(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
