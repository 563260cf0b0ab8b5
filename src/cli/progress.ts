import { SingleBar } from 'cli-progress';

/** How far long work has come, on the terminal of a person; nothing where nobody watches. */
export class Progress {
  private readonly bar: SingleBar | undefined;

  constructor(total: number, unit: string) {
    if (!process.stderr.isTTY) return;
    this.bar = new SingleBar({
      format: `{bar} {percentage}% | {note} ${unit} | {eta_formatted} left`,
      stream: process.stderr,
      hideCursor: true,
      etaBuffer: 50,
    });
    this.bar.start(total, 0, { note: 0 });
  }

  /** `done` of the total; `note` is what is told beside it. */
  update(done: number, note: number): void {
    this.bar?.update(done, { note });
  }

  stop(): void {
    this.bar?.stop();
  }
}
