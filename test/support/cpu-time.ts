/** Milliseconds of processor time that some work of this process takes, however busy the machine is meanwhile. */
export async function cpuTime(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** How many times longer work takes at the moment than on a machine that does nothing else: 1 on a quiet one. */
export async function slowdown(): Promise<number> {
  const began = performance.now();
  const used = await cpuTime(() => {
    for (const end = process.cpuUsage().user + 100_000; process.cpuUsage().user < end; );
  });
  return Math.max(1, (performance.now() - began) / used);
}
