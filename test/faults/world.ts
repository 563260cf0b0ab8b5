import { GatehouseProcess } from '../support/gatehouse.js';
import { Postbox } from '../support/mail.js';
import { hasPgBouncer, startPgBouncer, type TestPooler } from '../support/pgbouncer.js';
import { ReplicatedPostgres } from '../support/replicated-postgres.js';
import type { TcpProxy } from '../support/tcp-proxy.js';
import { PASSWORD, signIn } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

interface Shape {
  settings?: Record<string, string>;
  synchronous?: boolean;
  /** The mode of the PgBouncer that each instance has before its database. */
  pooled?: string;
}

/** How the instances reach the database and hear of each other. */
const SHAPES = {
  notify: {},
  poll: { settings: { REVOCATION_FEED: 'poll' } },
  synchronous: { synchronous: true },
  pooledTransactions: { pooled: 'transaction' },
  pooledSessions: { pooled: 'session' },
  pooledPoll: { pooled: 'transaction', settings: { REVOCATION_FEED: 'poll' } },
} satisfies Record<string, Shape>;

export type Topology = keyof typeof SHAPES;

/** Those that this machine has the programs for. */
export const TOPOLOGIES = (Object.keys(SHAPES) as Topology[]).filter(
  (name) => hasPgBouncer || !('pooled' in SHAPES[name]),
);

const ADMIN = 'admin@example.com';
/** Milliseconds in which everything is well again after a fault. */
const RECOVERY = 60_000;
/** Milliseconds: what an instance says of itself rests on what it saw up to 4 s ago, of the primary of before perhaps. */
const SINCE = 4_500;

/** An instance with a network of its own; it may be killed and come back, elsewhere and with another memory. */
export class Instance {
  process: GatehouseProcess | undefined;
  /** What its processes have logged that have ended. */
  private said = '';

  constructor(
    readonly front: TcpProxy,
    private readonly env: Record<string, string>,
  ) {}

  get output(): string {
    return this.said + (this.process?.output ?? '');
  }

  async start(): Promise<void> {
    this.process = await GatehouseProcess.start(this.env);
  }

  async kill(): Promise<void> {
    const { process } = this;
    this.process = undefined;
    this.said += process?.output ?? '';
    await process?.kill();
  }

  /** Whether it says that it can be believed. */
  async isTrusted(): Promise<boolean> {
    const answer = await this.process?.call('GET', '/health/database').catch(() => undefined);
    return answer?.status === 200;
  }
}

/** Two instances, a Postgres with its standby, and a mail server, everything of which can break. */
export class World {
  private constructor(
    readonly pair: ReplicatedPostgres,
    readonly postbox: Postbox,
    readonly instances: readonly [Instance, Instance],
    private readonly poolers: TestPooler[],
    /** Whether a failover loses what was acknowledged. */
    readonly losesCommits: boolean,
  ) {}

  /** An administrator's access token; good for as long as a run takes. */
  adminToken = '';

  static async start(topology: Topology): Promise<World> {
    const { settings = {}, synchronous = false, pooled }: Shape = SHAPES[topology];
    const [pair, postbox] = await Promise.all([ReplicatedPostgres.start({ synchronous }), Postbox.reserve()]);
    await postbox.open();
    const env = {
      ...settings,
      SMTP_URL: postbox.url,
      MAIL_FROM: 'gate@example.com',
      EMAIL_VERIFICATION: 'optional',
      // A client that one instance cannot answer opens more of them than its sign-outs end, and the oldest would have to go.
      SESSIONS_PER_USER: '10000',
      BOOTSTRAP_ADMIN_EMAIL: ADMIN,
      BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
    };
    const poolers: TestPooler[] = [];
    const instance = async () => {
      const front = await pair.front();
      if (!pooled) return new Instance(front, { ...env, DATABASE_URL: front.url });
      const pooler = await startPgBouncer(front.url, { pool_mode: pooled });
      poolers.push(pooler);
      return new Instance(front, { ...env, DATABASE_URL: pooler.url, DATABASE_DIRECT_URL: front.url });
    };
    const world = new World(pair, postbox, [await instance(), await instance()], poolers, !synchronous);
    try {
      await world.begin();
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  /** Resolves when every instance can be believed. */
  async well(): Promise<void> {
    for (const instance of this.instances) await waitFor(() => instance.isTrusted(), { within: RECOVERY });
  }

  /** As `well`, when every instance has also seen that there is another primary, and written back to it what it knows. */
  async wellSince(): Promise<void> {
    let since = performance.now();
    const hasBeenWell = async () => {
      const trusted = await Promise.all(this.instances.map((instance) => instance.isTrusted()));
      if (trusted.includes(false)) since = performance.now();
      return performance.now() - since >= SINCE;
    };
    await waitFor(hasBeenWell, { within: RECOVERY });
  }

  async stop(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.kill()));
    await Promise.all(this.poolers.map((pooler) => pooler.stop()));
    await this.postbox.close();
    await this.pair.stop();
  }

  private async begin(): Promise<void> {
    const [first, second] = this.instances;
    await Promise.all([first.start(), second.start()]);
    if (!first.process) throw new Error('The first instance has ended');
    this.adminToken = (await signIn(first.process, ADMIN)).accessToken;
    const role = { token: this.adminToken, body: { permissions: [] } };
    const answer = await first.process.call('PUT', '/v1/roles/helper', role);
    if (answer.status !== 201) throw new Error(`The role was not made: ${answer.text}`);
  }
}
