/** What a registered route says of itself. */
interface Route {
  url: string;
  method: string | string[];
}

/** Every route of the server, for the answer 405: which methods would an address have taken? */
export class RouteTable {
  private readonly routes: { pattern: RegExp; methods: string[] }[] = [];
  private readonly first = new Set<string>();

  /** Notes a route as Fastify registers it. */
  add({ url, method }: Route): void {
    // Registered for every address, to answer preflights.
    if (url === '*') return;
    const pattern = url.split('/').map(toPattern).join('/');
    this.first.add(url.split('/')[1] ?? '');
    this.routes.push({ pattern: new RegExp(`^${pattern}$`), methods: [method].flat() });
  }

  /** Whether some route begins as this path does. */
  beginsLike(path: string): boolean {
    return this.first.has(path.split('/')[1] ?? '');
  }

  /** The methods of the routes that match a path, sorted; none where there is no such address. */
  methodsOf(path: string): string[] {
    const methods = this.routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].sort();
  }
}

/** One segment of a route's path as a regular expression. */
function toPattern(segment: string): string {
  if (segment.startsWith(':')) return '[^/]+';
  if (segment === '*') return '.*';
  return segment.replace(/[.+?^${}()|[\]\\*]/g, '\\$&');
}
