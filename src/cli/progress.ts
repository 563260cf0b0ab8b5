import createSpinner, { type Spinner } from 'yocto-spinner';

/** How far long work has come, on the terminal of a person; nothing at all in a pipe, a log or a build. */
export class Progress {
  private readonly spinner: Spinner | undefined;
  private readonly startedAt = performance.now();

  /** `total` is the whole of the work, in whatever `update` is told of it. Without one no end is foretold. */
  constructor(
    private readonly unit: string,
    private readonly total?: number,
    stream: NodeJS.WriteStream = process.stderr,
  ) {
    const { CI, TERM } = process.env;
    if (stream.isTTY && CI === undefined && TERM !== 'dumb') this.spinner = createSpinner({ stream }).start();
  }

  /** `count` of the unit are done, which are so much `done` of the total. */
  update(count: number, done = 0): void {
    if (this.spinner) this.spinner.text = [`${count} ${this.unit}`, ...this.outlook(done)].join(', ');
  }

  /** Takes the line away. */
  stop(): void {
    this.spinner?.stop();
  }

  private outlook(done: number): string[] {
    if (!this.total || done === 0) return [];
    const share = Math.min(1, done / this.total);
    const seconds = Math.ceil(((performance.now() - this.startedAt) / 1000) * (1 / share - 1));
    return [
      `${Math.floor(share * 100)} %`,
      seconds < 120 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`,
    ];
  }
}
