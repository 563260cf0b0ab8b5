import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '../support/wait-for.js';
import type { Fault } from './history/history.js';
import type { FaultKind, PlannedFault } from './plan.js';
import type { Recorder } from './recorder.js';
import type { Instance, World } from './world.js';

/** Acknowledged operations that a failover is to lose, so that it loses something. */
const TO_LOSE = 10;

/** Breaks one thing after another, each until everything is well again. */
export class Nemesis {
  constructor(
    private readonly world: World,
    private readonly recorder: Recorder,
  ) {}

  /** Does a fault, waits until it is over, and writes it down. Throws where things do not become well again. */
  async strike({ kind, instance, hold }: PlannedFault): Promise<void> {
    // Seen by the checkers while it goes on, too.
    const fault: Fault = { kind, start: this.recorder.now(), end: Number.POSITIVE_INFINITY };
    if (kind === 'killInstance') fault.down = instance;
    this.recorder.history.faults.push(fault);
    await this.faults[kind](this.world.instances[instance] as Instance, hold, fault);
    await (kind === 'failover' ? this.world.wellSince() : this.world.well());
    fault.end = this.recorder.now();
    // A standby for the next one; the primary goes on meanwhile.
    if (kind === 'failover') await this.world.pair.follow();
  }

  private readonly faults: Record<FaultKind, (instance: Instance, hold: number, fault: Fault) => Promise<void>> = {
    swallow: async ({ front }, hold) => {
      front.swallow();
      await pause(hold);
      await front.heal();
    },
    refuse: async ({ front }, hold) => {
      await front.refuse();
      await pause(hold);
      await front.heal();
    },
    reset: async ({ front }) => front.reset(),
    pause: async (_, hold) => {
      await this.world.pair.pause();
      await pause(hold);
      await this.world.pair.resume();
    },
    restart: () => this.world.pair.restart(),
    terminate: () => this.world.pair.terminateBackends(),
    killInstance: async (instance, hold) => {
      await instance.kill();
      await pause(hold);
      // As whatever runs it would: behind a pooler that waits for 15 s before it logs in again a start finds no database.
      await waitFor(() => instance.start(), { within: 60_000 });
    },
    failover: async (_, hold, fault) => {
      if (this.world.losesCommits) await this.lose(hold, fault);
      else await this.world.pair.killPrimary();
      await this.world.pair.promote();
    },
  };

  /** Ends the primary with commits that were acknowledged and that its standby never got. */
  private async lose(hold: number, fault: Fault): Promise<void> {
    const { pair } = this.world;
    fault.lost = { from: this.recorder.now(), to: Number.POSITIVE_INFINITY };
    await pair.cut();
    await pause(hold);
    const from = this.recorder.now();
    await waitFor(() => this.acknowledged(from) >= TO_LOSE);
    await pair.killPrimary();
    fault.lost.to = this.recorder.now();
  }

  /** How much that writes was acknowledged since. */
  private acknowledged(from: number): number {
    const { operations } = this.recorder.history;
    return operations.filter(({ kind, outcome, end }) => kind === 'refresh' && outcome === 'ok' && end > from).length;
  }
}
