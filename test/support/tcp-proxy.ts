import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';

/** What becomes of a connection: passed on, closed at once, or never answered. */
type Fate = 'pass' | 'refuse' | 'swallow';

interface Link {
  client: Socket;
  server: Socket | null;
  /** As the client named itself in Postgres's startup message. */
  name: string;
  /** Set for good: what a black hole has swallowed once does not come back to life. */
  dead: boolean;
}

/** The listener's name in Postgres, by which its connection is told from those of the pool. */
export const LISTENER = 'gatehouse listener';

/**
 * Stands between Gatehouse and Postgres and breaks what a network breaks: by refusing connections, or by swallowing
 * everything without a word. Counts the bytes that the clients send.
 */
export class TcpProxy {
  private readonly links = new Set<Link>();
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private port = 0;
  private fateOf: (name: string) => Fate = () => 'pass';
  private lag = 0;
  private lastWord: string | undefined;
  /** Bytes sent by clients, by the name of the connection. */
  readonly sent = new Map<string, number>();

  private constructor(private target: URL) {}

  /** Stands in front of the Postgres of this URL. */
  static async before(databaseUrl: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(databaseUrl));
    await proxy.open();
    return proxy;
  }

  /** The URL that leads through the proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  /** Nothing listens any more, and what was connected is reset. */
  async refuse(): Promise<void> {
    const closed = this.server && once(this.server, 'close');
    this.server?.close();
    this.server = undefined;
    this.reset();
    await closed;
  }

  /** Everything sent from now on, on old connections and new ones, is swallowed without an answer. */
  swallow(): void {
    this.fateOf = () => 'swallow';
    for (const link of this.links) link.dead = true;
  }

  /** What is connected is reset; who connects again gets through. */
  reset(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Stands in front of another Postgres from now on, under the same URL, as a name that moves in a failover. */
  aim(databaseUrl: string): void {
    this.target = new URL(databaseUrl);
    this.reset();
  }

  /** Connections of this name are reset, and refused from now on. */
  refuseOnly(name: string): void {
    this.fateOf = (other) => (other === name ? 'refuse' : 'pass');
    for (const link of this.links) if (link.name === name) link.client.destroy();
  }

  /** Everything that clients send from now on takes so many milliseconds longer, as on a slow network or database. */
  slow(lag: number): void {
    this.lag = lag;
  }

  /** What contains this text still reaches the server; its connection is reset in the moment in which the answer comes. */
  cutAfter(text: string): void {
    this.lastWord = text;
  }

  /** New connections go through again. */
  async heal(): Promise<void> {
    this.fateOf = () => 'pass';
    this.lastWord = undefined;
    if (!this.server) await this.open();
  }

  async close(): Promise<void> {
    await this.refuse();
  }

  private async open(): Promise<void> {
    this.server = createServer((client) => this.accept(client));
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  private accept(client: Socket): void {
    client.on('error', () => undefined);
    this.sockets.add(client);
    client.on('close', () => this.sockets.delete(client));
    client.once('data', (startup) => {
      const full = /application_name\0([^\0]*)/.exec(startup.toString('latin1'))?.[1] ?? '';
      // Each instance's has an ending of its own.
      const name = full.startsWith(LISTENER) ? LISTENER : full;
      const fate = this.fateOf(name);
      if (fate === 'refuse') return client.destroy();
      const link: Link = { client, server: null, name, dead: fate === 'swallow' };
      this.links.add(link);
      client.on('close', () => this.links.delete(link));
      client.on('data', (chunk) => this.forward(link, chunk));
      if (!link.dead) this.join(link, startup);
    });
  }

  private join(link: Link, startup: Buffer): void {
    const server = dial(Number(this.target.port || 5432), this.target.hostname);
    link.server = server;
    server.on('error', () => link.client.destroy());
    server.on('close', () => link.dead || link.client.destroy());
    server.on('data', (chunk) => link.dead || link.client.write(chunk));
    link.client.on('close', () => server.destroy());
    server.write(startup);
  }

  private forward(link: Link, chunk: Buffer): void {
    this.sent.set(link.name, (this.sent.get(link.name) ?? 0) + chunk.length);
    const pass = () => void (link.dead || link.server?.write(chunk));
    if (this.lastWord !== undefined && chunk.includes(this.lastWord)) {
      link.server?.write(chunk);
      link.server?.once('data', () => link.client.destroy());
      link.dead = true;
      return;
    }
    if (this.lag > 0) setTimeout(pass, this.lag);
    else pass();
  }
}
