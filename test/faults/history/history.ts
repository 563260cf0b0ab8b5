/** What clients did, what they were told, and which faults there were meanwhile. Times are milliseconds of one clock. */

/** `ok` did it, `fail` did not; `unknown` is a 503 or a broken connection: it may have done it or not. */
export type Outcome = 'ok' | 'fail' | 'unknown';

/** What every operation has. */
export interface Call {
  start: number;
  end: number;
  /** The number of the instance that was asked. */
  instance: number;
  outcome: Outcome;
  /** The code of the problem that it was refused with; otherwise empty. */
  code: string;
  requestId: string;
}

/** What an access token says of its user. */
export interface Claims {
  ver: number;
  roles: string[];
}

/** A session that is opened. Where the outcome is not `ok` nothing is known of it. */
export interface Opening extends Call {
  kind: 'signUp' | 'signIn';
  user: string;
  email: string;
  session: string;
  claims: Claims;
}

/** A question to `GET /v1/auth/session`. */
export interface Check extends Call {
  kind: 'check';
  user: string;
  session: string;
  claims: Claims;
}

export interface Refresh extends Call {
  kind: 'refresh';
  user: string;
  session: string;
  presented: string;
  successor: string;
  claims: Claims;
  /** The token was spent long ago, and is presented as a thief would. */
  spent: boolean;
}

/** What ends sessions: all of `sessions`, which were open before it began. */
export interface Ending extends Call {
  kind: 'end';
  by: 'logout' | 'logout-all' | 'disable' | 'revoke-before';
  user: string;
  sessions: string[];
}

export interface RoleChange extends Call {
  kind: 'roles';
  user: string;
  roles: string[];
}

/** A question to `GET /health/database`: `fail` says that `revocations` is down, whatever else may be. */
export interface Health extends Call {
  kind: 'health';
}

export type Operation = Opening | Check | Refresh | Ending | RoleChange | Health;

/** A fault, from its beginning until everything was well again. */
export interface Fault {
  kind: string;
  start: number;
  end: number;
  /** The instance that was down with it, if one was. */
  down?: number;
  /** The stretch whose commits were lost, if any were. */
  lost?: { from: number; to: number };
}

export interface History {
  operations: Operation[];
  faults: Fault[];
}

/** The operations of these kinds, in the order in which they began. */
export function select<K extends Operation['kind']>(
  { operations }: History,
  ...kinds: K[]
): Extract<Operation, { kind: K }>[] {
  return operations
    .filter((operation): operation is Extract<Operation, { kind: K }> => (kinds as string[]).includes(operation.kind))
    .sort((one, other) => one.start - other.start);
}

/** Whether what an operation did may be lost with the commits of a failover. */
export function mayBeLost({ faults }: History, { start, end }: Call): boolean {
  return faults.some(({ lost }) => lost !== undefined && end >= lost.from && start <= lost.to);
}

/** Items by what `key` says of them, each group in the order of the items. */
export function groupBy<Item>(items: Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
