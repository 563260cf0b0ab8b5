import { setTimeout as pause } from 'node:timers/promises';
import { cliJson } from '../support/cli.js';
import { LOAD } from '../support/load.js';
import { waitFor } from '../support/wait-for.js';
import { FaultClient } from './client.js';
import { nobodySignedOut, oneSuccessorEach, spentStaysSpent } from './history/chains.js';
import { endedStaysEnded, rolesStayLowered, tokenChecksGoOn, versionsNeverFall } from './history/ended.js';
import type { Ending, Fault, Health, History } from './history/history.js';
import { auditedOnce, type Entry, mailedAtLeastOnce, noInternalErrors } from './history/records.js';
import { Nemesis } from './nemesis.js';
import type { Plan } from './plan.js';
import { Recorder } from './recorder.js';
import { ask, exchange, type HeldSession } from './session.js';
import { World } from './world.js';

/** Milliseconds; on a machine that is busy with other work an answer takes longer, and what is under a fault does not. */
const BOUNDS = { usual: 1_000 * LOAD, fault: 5_000 };
/** Milliseconds between two questions to /health/database. */
const BETWEEN = 200;
/** Milliseconds in which what waits is sealed and sent. */
const SETTLED = 30_000 * LOAD;
/** Violations of one kind that are told. */
const FEW = 5;

/** Lives through a plan and returns what was not as it must be, in sentences. */
export async function liveThrough(plan: Plan): Promise<string[]> {
  const world = await World.start(plan.topology);
  try {
    const recorder = new Recorder(world.instances);
    const clients = plan.clients.map(() => new FaultClient(recorder, world.adminToken));
    const failed = await act(plan, world, recorder, clients);
    await ending(world, recorder, clients);
    return [...failed, ...(await judge(world, recorder.history))];
  } finally {
    await world.stop();
  }
}

/** The clients and the faults, side by side. */
async function act(plan: Plan, world: World, recorder: Recorder, clients: FaultClient[]): Promise<string[]> {
  let over = false;
  const isOver = () => over;
  const done = [
    ...clients.map((client, n) => client.run(plan.clients[n] ?? [], isOver)),
    ...world.instances.map((_, n) => probe(recorder, n, isOver)),
  ];
  const nemesis = new Nemesis(world, recorder);
  try {
    await waitFor(() => clients.every(({ alive }) => alive.length > 0));
    for (const fault of plan.faults) await nemesis.strike(fault);
    return [];
  } catch (error) {
    return [`not well again after ${recorder.history.faults.at(-1)?.kind}: ${error}`];
  } finally {
    over = true;
    await Promise.all(done);
  }
}

async function probe(recorder: Recorder, instance: number, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const { call, body } = await recorder.send(instance, 'GET', '/health/database');
    // It is 503 too where only the database is away: that says nothing of the list.
    const status = body.details?.revocations?.status;
    const outcome = status === undefined ? 'unknown' : status === 'up' ? 'ok' : 'fail';
    recorder.record<Health>({ ...call, outcome }, { kind: 'health' });
    await pause(BETWEEN);
  }
}

/** With nothing broken any more: what was ended, what lives, thieves, and in the end everybody. */
async function ending(world: World, recorder: Recorder, clients: FaultClient[]): Promise<void> {
  const alive = clients.flatMap((client) => client.alive);
  await Promise.all(clients.flatMap(({ ended }) => ended).map((session) => present(recorder, session)));
  await Promise.all(clients.flatMap((client) => client.alive.map((session) => live(recorder, client, session))));
  // Of a session that went on since the last fault: before that a database that was set back may take the spent token for new.
  const living = clients.flatMap((client) => client.alive);
  await Promise.all(living.filter((_, n) => n % 2).map((session) => steal(recorder, session)));
  const options = { token: world.adminToken, body: {} };
  const { call } = await recorder.send(0, 'POST', '/v1/sessions/revoke-before', options);
  const sessions = alive.map(({ id }) => id);
  recorder.record<Ending>(call, { kind: 'end', by: 'revoke-before', user: '', sessions });
  await pause(BOUNDS.usual);
  await Promise.all(alive.map((session) => present(recorder, session)));
}

async function present(recorder: Recorder, session: HeldSession): Promise<void> {
  for (const instance of [0, 1]) {
    await ask(recorder, session, instance);
    await exchange(recorder, session, instance, undefined);
  }
}

async function live(recorder: Recorder, client: FaultClient, session: HeldSession): Promise<void> {
  for (const instance of [0, 1]) {
    await client.refresh(session, instance);
    if (!client.alive.includes(session)) return;
    await ask(recorder, session, 1 - instance);
  }
}

/** Presents the token before the one before the last, for which no grace can speak. */
async function steal(recorder: Recorder, session: HeldSession): Promise<void> {
  const token = session.spent.at(-2);
  if (token !== undefined) await exchange(recorder, session, 0, undefined, token);
}

async function judge(world: World, history: History): Promise<string[]> {
  const { pair, postbox, instances } = world;
  await waitFor(async () => (await pair.query('SELECT FROM audit_unsealed')).length === 0, { within: SETTLED });
  await waitFor(async () => (await pair.query('SELECT FROM mail_outbox')).length === 0, { within: SETTLED });
  const entries = await pair.query<Entry & Record<string, unknown>>(
    'SELECT type, request_id AS "requestId" FROM audit_events WHERE request_id IS NOT NULL',
  );
  const mails = postbox.mails.flatMap(({ to }) => to);
  // That it was set back is said, and is no fault.
  const { faults } = await cliJson<{ faults: { detail: string }[] }>(pair.url, ['audit:verify']);
  const broken = [
    endedStaysEnded(history, BOUNDS),
    rolesStayLowered(history, BOUNDS),
    versionsNeverFall(history),
    oneSuccessorEach(history),
    spentStaysSpent(history),
    nobodySignedOut(history),
    tokenChecksGoOn(history),
    noInternalErrors(history),
    auditedOnce(history, entries),
    mailedAtLeastOnce(history, mails),
    faults.map(({ detail }) => `audit:verify: ${detail}`),
    instances.flatMap(({ output }) => falseAlarms(output)),
  ].filter(({ length }) => length > 0);
  if (broken.length === 0) return [];
  const errors = instances.flatMap(({ output }) =>
    output.split('\n').filter((line) => /"level":(50|"error")/.test(line)),
  );
  return [...broken.flatMap(few), ...history.faults.map(describeFault), ...few(errors)];
}

/** That somebody has tampered, or that it ended for an error that nobody took, with a few lines of where. */
function falseAlarms(output: string): string[] {
  const said = output.match(/^.*(?:tamper|unhandled).*(?:\n(?!\{).*){0,12}/im)?.[0];
  return said === undefined ? [] : [`an instance said: ${said}`];
}

/** One broken promise shows many times. */
function few(violations: string[]): string[] {
  return violations.length > FEW
    ? [...violations.slice(0, FEW), `… and ${violations.length - FEW} like it`]
    : violations;
}

function describeFault({ kind, start, end, lost }: Fault): string {
  const stretch = (from: number, to: number) => `${Math.round(from)} to ${Math.round(to)}`;
  return `(${kind} from ${stretch(start, end)}${lost ? `, lost ${stretch(lost.from, lost.to)}` : ''})`;
}
