import type { Client } from 'pg';
import type { Clock } from '../../common/clock.js';
import { NOTABLE } from './clock-watch.js';
import { changesIn, DRAIN, LOOK, type Look, type LookRow, MANY, PLAIN_LOOK } from './look.js';
import { PULSE_INTERVAL } from './pulse.js';

/** What Postgres says where it does not offer a function, or not to this role. */
const NOT_OFFERED = new Set(['42501', '42883', '0A000']);

/** Rows of one piece of a drain: the link is free for other looks in between. */
const PIECE = 5_000;

/** The database is one that takes no writes: a primary of before, or one that is not promoted yet. */
export class StandbyError extends Error {
  override readonly name = 'StandbyError';
  constructor() {
    super('The database takes no writes: it is a standby, or is set to read only. Set DATABASE_URL to the primary.');
  }
}

type Told = Omit<Look, 'words'>;

/**
 * How far this process has read the table `changes`: the snapshot of its last look. The next one takes what was not visible
 * in that, so that nothing is missed that commits late, and nothing is read twice (numbers or times would miss some).
 */
export class ChangeCursor {
  private snapshot: string | null = null;
  private identity: string | null = null;
  private edition = 0;
  private setBackAt: string | null = null;
  private pulsedAt: number;
  private offset = 0;
  private isPlain = false;
  private isRung = false;

  constructor(private readonly clock: Clock) {
    this.pulsedAt = clock.elapsed();
  }

  /** Milliseconds since the last pulse that was seen. */
  get pulseAge(): number {
    return this.clock.elapsed() - this.pulsedAt;
  }

  /** Whether changes are notified, as of the last look. */
  get rings(): boolean {
    return this.isRung;
  }

  /** Looks once, and hands over what is new; a great many changes come in pieces. Throws StandbyError, or the error of pg. */
  async advance(client: Client, tell: (look: Told) => void): Promise<void> {
    const { rows, ...told } = await this.look(client);
    const isDrain = rows.length >= MANY;
    if (isDrain) await this.drain(client, tell);
    else tell({ ...told, changes: changesIn(rows) });
  }

  private async look(client: Client): Promise<Omit<Told, 'changes'> & { rows: LookRow[] }> {
    const beganAt = this.clock.elapsed();
    const before = this.snapshot;
    const { rows } = await this.ask(client, before);
    const took = this.clock.elapsed() - beganAt;
    const [state] = rows;
    if (!state) throw new Error('SELECT returned no row');
    if (state.identity === null) throw new StandbyError();
    const offset = { ms: state.now - (this.clock.wall() - took / 2), error: took / 2 };
    const isOther = state.identity !== this.identity;
    if (isOther) this.begin(state);
    else if (rows.length < MANY) this.snapshot = state.snapshot;
    this.note(offset, isOther);
    this.isRung = state.rings ?? false;
    // A clock that was set back leaves a pulse of the future.
    const age = state.pulseAge ?? Number.MAX_SAFE_INTEGER;
    const pulseAge = age < -PULSE_INTERVAL ? Number.MAX_SAFE_INTEGER : Math.max(0, age);
    this.pulsedAt = beganAt - pulseAge;
    const { edition, setBackAt } = this;
    return { beganAt, pulseAge, offset, edition, setBackAt, rows: isOther ? [] : rows };
  }

  private async ask(client: Client, snapshot: string | null): Promise<{ rows: LookRow[] }> {
    if (this.isPlain) return client.query<LookRow>(PLAIN_LOOK, [snapshot]);
    return client.query<LookRow>(LOOK, [snapshot]).catch((error) => {
      if (!NOT_OFFERED.has(error?.code)) throw error;
      this.isPlain = true;
      return client.query<LookRow>(PLAIN_LOOK, [snapshot]);
    });
  }

  /** Where a clock jumps, entries may have lapsed before their time: what was read by the one has to be read by the other. */
  private note({ ms, error }: Look['offset'], isOther: boolean): void {
    if (Math.abs(ms - this.offset) <= NOTABLE + error) return;
    this.offset = ms;
    if (!isOther) this.edition++;
  }

  /** Another database, or another beginning of it: what was read of the former one says nothing of it. */
  private begin({ identity, snapshot, moment }: LookRow): void {
    if (this.identity !== null) this.setBackAt = moment;
    this.identity = identity;
    this.snapshot = snapshot;
    this.edition++;
  }

  /** Reads a great many changes piece by piece, and looks for new ones after each: a logout does not wait for them all. */
  private async drain(client: Client, tell: (look: Told) => void): Promise<void> {
    const before = this.snapshot;
    try {
      await client.query('BEGIN');
      // The snapshot first: what commits until the cursor has its own is read twice.
      const { rows } = await this.ask(client, null);
      await client.query(DRAIN, [before]);
      this.snapshot = rows[0]?.snapshot ?? before;
      while (await this.drainPiece(client, tell));
      await client.query('COMMIT');
    } catch (error) {
      this.snapshot = before;
      throw error;
    }
  }

  private async drainPiece(client: Client, tell: (look: Told) => void): Promise<boolean> {
    const { rows } = await client.query<LookRow>(`FETCH ${PIECE} FROM unseen`);
    const { rows: recent, ...told } = await this.look(client);
    tell({ ...told, changes: [...changesIn(rows), ...changesIn(recent)] });
    return rows.length === PIECE;
  }
}
