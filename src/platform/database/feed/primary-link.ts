import type { Clock } from '../../common/clock.js';
import type { Look, LookSource } from './look.js';

/** What the primary process tells its workers. */
export interface LookMessage {
  look: Look;
  /** When it was sent, by the monotonic clock that all processes of a machine share, in milliseconds. */
  sentAt: number;
  /** How old the look was then, in milliseconds. */
  age: number;
}

/** What a worker asks the primary process for, once it can take looks. */
export const WANTS_LOOKS = 'looks';

/** Milliseconds for the first look to come. */
const FIRST_LOOK = 10_000;

/** The looks of the process that started this one: a machine has one link, however many workers it has. */
export class PrimaryLink implements LookSource {
  private readonly take = (message: unknown) => this.hear(message);
  private receive: (look: Look) => void = () => {};

  constructor(private readonly clock: Clock) {}

  async start(receive: (look: Look) => void): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('The primary process tells nothing of the database')), FIRST_LOOK);
      this.receive = (look) => {
        clearTimeout(late);
        receive(look);
        resolve();
      };
      process.on('message', this.take);
      process.send?.(WANTS_LOOKS);
    });
  }

  async stop(): Promise<void> {
    process.off('message', this.take);
  }

  private hear(message: unknown): void {
    const { look, sentAt, age } = Object(message) as Partial<LookMessage>;
    if (!look || sentAt === undefined || age === undefined) return;
    this.receive({ ...look, beganAt: this.clock.elapsed() - age - (monotonic() - sentAt) });
  }
}

/** Sends a look to a worker, so that it knows how old it is however late it reads it. */
export function lookMessage(look: Look, clock: Clock): LookMessage {
  return { look, sentAt: monotonic(), age: clock.elapsed() - look.beganAt };
}

function monotonic(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
