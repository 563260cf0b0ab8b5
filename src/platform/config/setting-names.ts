import { environment } from './environment.js';

const KNOWN = Object.keys(environment.shape);
/** How a name begins that can hardly be meant for another program. */
const PREFIXES = /^(?:GATEHOUSE|JWT|SMTP|DATABASE|BOOTSTRAP|REDIS|CORS|BCRYPT|REVOCATION|TRUSTED|TRUST|RATE)_/;
/** What our own processes tell each other, and what a run of the tests does. */
const INTERNAL = new Set(['GATEHOUSE_WORKER_DATABASE_URL', 'GATEHOUSE_API', 'GATEHOUSE_FOREIGN_POSTGRES']);
/** What Kubernetes and Docker set by themselves for a service that is called `gatehouse` or `database`. */
const SERVICE_LINK = /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)$/;

/** One sentence for each line of an env file that sets nothing of ours. */
export function unknownInFile(lines: Record<string, number>, file = '.env'): string[] {
  return Object.entries(lines).flatMap(([name, line]) =>
    isKnown(name) ? [] : `Line ${line} of ${file} sets ${name}, ${describeUnknown(name)}`,
  );
}

/** One sentence for each variable that nearly has the name of a setting, or begins as ours do. The rest is not for us. */
export function unknownInEnvironment(source: NodeJS.ProcessEnv): string[] {
  return Object.entries(source).flatMap(([name, value = '']) => {
    const isOthers = value === '' || isKnown(name) || SERVICE_LINK.test(name) || /^(?:tcp|udp):\/\//.test(value);
    if (isOthers || (nearest(name) === undefined && !PREFIXES.test(name))) return [];
    return `The environment sets ${name}, ${describeUnknown(name)}`;
  });
}

/** One sentence for each setting of the environment whose quotes belong to its value, as `docker --env-file` passes them on. */
export function quotedInEnvironment(source: NodeJS.ProcessEnv): string[] {
  return KNOWN.flatMap((name) =>
    /^(["']).*\1$/s.test(source[name] ?? '')
      ? `The environment sets ${name} to a value in quotes, which belong to the value there. Leave them out.`
      : [],
  );
}

function isKnown(name: string): boolean {
  return KNOWN.includes(name) || INTERNAL.has(name);
}

function describeUnknown(name: string): string {
  const near = nearest(name);
  if (near !== undefined) return `which is no setting and changes nothing. Is ${near} meant?`;
  const prefix = PREFIXES.exec(name)?.[0] ?? '_';
  const kin = KNOWN.filter((known) => known.startsWith(prefix));
  const meant = kin.length > 0 ? ` Those that begin so are ${kin.join(', ')}.` : '';
  return `which is no setting of Gatehouse and changes nothing in it.${meant}`;
}

/** The setting whose name is as good as this one: but for case, a prefix of ours, or one slip in a short name and two in a long one. */
function nearest(name: string): string | undefined {
  const plain = name.toUpperCase().replace(/^GATEHOUSE_/, '');
  const slips = (known: string) => editDistance(plain, known);
  const allowed = plain.length < 9 ? 1 : 2;
  return KNOWN.filter((known) => Math.abs(known.length - plain.length) <= allowed && slips(known) <= allowed).sort(
    (a, b) => slips(a) - slips(b),
  )[0];
}

/** Letters to leave out, put in, exchange or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= b.length; column++) {
      const replaced = at(row - 1, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped =
        a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1] ? at(row - 2, column - 2) + 1 : replaced;
      current.push(Math.min(replaced, swapped, at(row - 1, column) + 1, at(row, column - 1) + 1));
    }
  }
  return at(a.length, b.length);
}
