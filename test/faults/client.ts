import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { freshEmail, PASSWORD } from '../support/users.js';
import type { Call, Ending, Opening, RoleChange } from './history/history.js';
import type { Action, Step } from './plan.js';
import { claimsOf, type Recorder, type Reply } from './recorder.js';
import { adopt, ask, exchange, type HeldSession, Watch } from './session.js';

/** Milliseconds between what one client does and what it does next, and before it tries again. */
const PACE = 30;
const AGAIN = 150;
/** Past these nobody answers at all any more. */
const TRIES = 1_000;
const ROLES = [['user'], ['user', 'helper']];

/**
 * An honest client and, when it asks for it, the administrator who changes it: one thing after another, so that it is known
 * what came before what. It repeats what was left in doubt, and gives up only what it was told is over.
 */
export class FaultClient {
  private email = '';
  private user = '';
  private roles = 0;
  private disabled = false;
  private sessions: HeldSession[] = [];
  /** The sessions that were ended, as it was told. */
  readonly ended: HeldSession[] = [];
  readonly watch: Watch;

  constructor(
    private readonly recorder: Recorder,
    private readonly adminToken: string,
  ) {
    this.watch = new Watch(recorder);
  }

  /** The sessions that it believes are alive. */
  get alive(): HeldSession[] {
    return this.sessions;
  }

  /** Does its steps over and over. */
  async run(steps: Step[], isOver: () => boolean): Promise<void> {
    for (let n = 0; !isOver(); n++) {
      const { action, instance } = steps[n % steps.length] as Step;
      const session = await this.someSession(instance, n, isOver);
      if (session) await this.actions[action](session, instance, isOver);
      await pause(PACE);
    }
    await this.watch.over();
  }

  /** With one key until it is answered, from whichever instance answers, as the client of the project does. */
  async refresh(session: HeldSession, instance: number, twice = false): Promise<void> {
    const key = randomBytes(16).toString('base64url');
    for (let attempt = instance; attempt < TRIES; attempt++) {
      const tabs = twice ? [attempt, attempt + 1] : [attempt];
      const outcomes = await Promise.all(tabs.map((at) => exchange(this.recorder, session, at % 2, key)));
      const reply = outcomes.find(({ call }) => call.outcome !== 'unknown');
      if (reply) return this.refreshed(session, reply);
      await pause(AGAIN);
    }
    throw new Error('A refresh was never answered');
  }

  private readonly actions: Record<
    Action,
    (session: HeldSession, instance: number, isOver: () => boolean) => Promise<unknown>
  > = {
    check: async (session, instance) => {
      if ((await ask(this.recorder, session, instance)) === 'token_stale') await this.refresh(session, instance);
    },
    refresh: (session, instance) => this.refresh(session, instance),
    // Two tabs at the same moment, that share what they keep.
    refreshTwice: (session, instance) => this.refresh(session, instance, true),
    signInAgain: (_, instance) => this.signIn(instance),
    logout: (session, instance) => this.end('logout', [session], instance, '/v1/auth/logout', session),
    logoutAll: (session, instance) => this.end('logout-all', this.sessions, instance, '/v1/auth/logout-all', session),
    shutOut: (_, instance) => this.end('revoke-before', this.sessions, instance, '/v1/sessions/revoke-before'),
    disable: (_, instance) => this.end('disable', this.sessions, instance, `/v1/users/${this.user}`),
    changeRoles: (_, instance) => this.changeRoles(instance),
  };

  /** One of its sessions, for which it signs in or up as long as that takes. */
  private async someSession(instance: number, n: number, isOver: () => boolean): Promise<HeldSession | undefined> {
    while (this.sessions.length === 0 && !isOver()) {
      const opened = this.user === '' || this.disabled ? await this.signUp(instance) : await this.signIn(instance);
      if (opened.outcome === 'unknown') await pause(AGAIN);
    }
    return this.sessions[n % this.sessions.length];
  }

  private async signUp(instance: number): Promise<Call> {
    this.email = freshEmail();
    const body = { email: this.email, password: PASSWORD };
    const reply = await this.recorder.send(instance, 'POST', '/v1/auth/register', { body });
    if (reply.call.outcome === 'ok') [this.user, this.disabled, this.roles] = [reply.body.user?.id ?? '', false, 0];
    return this.opened('signUp', reply);
  }

  private async signIn(instance: number): Promise<Call> {
    const body = { email: this.email, password: PASSWORD };
    const reply = await this.recorder.send(instance, 'POST', '/v1/auth/login', { body });
    // An account that a failover has lost, or whose disabling it did not lose.
    if (reply.call.outcome === 'fail' && this.sessions.length === 0) this.user = '';
    return this.opened('signIn', reply);
  }

  private opened(kind: Opening['kind'], { call, body }: Reply): Call {
    const claims = claimsOf(body.accessToken);
    const session = body.session?.id ?? '';
    const { user, email } = this;
    this.recorder.record<Opening>(call, { kind, user, email, session, claims });
    const { accessToken = '', refreshToken = '' } = body;
    if (call.outcome === 'ok') this.sessions.push({ id: session, user, accessToken, refreshToken, claims, spent: [] });
    return call;
  }

  private refreshed(session: HeldSession, { call, body }: Reply): void {
    if (call.outcome === 'fail') {
      this.forget([session]);
      return;
    }
    adopt(session, body);
  }

  private forget(sessions: HeldSession[]): void {
    this.sessions = this.sessions.filter((session) => !sessions.includes(session));
  }

  /** Ends sessions by a call of their owner, or of the administrator where no owner is named. */
  private async end(
    by: Ending['by'],
    sessions: HeldSession[],
    instance: number,
    path: string,
    owner?: HeldSession,
  ): Promise<void> {
    const body = {
      logout: undefined,
      'logout-all': {},
      disable: { status: 'disabled' },
      'revoke-before': { userId: this.user },
    };
    const token = owner?.accessToken ?? this.adminToken;
    const options = { token, body: body[by] };
    const { call } = await this.recorder.send(instance, by === 'disable' ? 'PATCH' : 'POST', path, options);
    this.recorder.record<Ending>(call, { kind: 'end', by, user: this.user, sessions: sessions.map(({ id }) => id) });
    if (call.code === 'token_stale' && owner) return this.refresh(owner, instance);
    if (call.outcome === 'fail') return owner ? this.forget([owner]) : undefined;
    if (call.outcome === 'ok') {
      this.ended.push(...sessions);
      for (const session of sessions) this.watch.until(session);
      if (by === 'disable') this.disabled = true;
    }
    this.forget([...sessions]);
  }

  private async changeRoles(instance: number): Promise<void> {
    const next = 1 - this.roles;
    const roles = ROLES[next] ?? [];
    const path = `/v1/users/${this.user}/roles`;
    const { call } = await this.recorder.send(instance, 'PUT', path, { token: this.adminToken, body: { roles } });
    this.recorder.record<RoleChange>(call, { kind: 'roles', user: this.user, roles });
    if (call.outcome === 'ok') this.roles = next;
  }
}
