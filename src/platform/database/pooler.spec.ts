import { detectPooling } from './pooler.js';
import type { Probe } from './probe.js';

interface Behaviour {
  /** Connections to the server at most. */
  size: number;
  /** Where a connection goes that is free again: first to be given, or last. */
  order: 'lifo' | 'fifo';
  carriesNames: boolean;
  /** What others do between two statements of ours. */
  traffic?: (free: number[]) => void;
}

/** A transaction pooler: a statement or a transaction has a connection of the server for as long as it takes. */
function transactionPooler({ size, order, carriesNames, traffic = () => undefined }: Behaviour) {
  const free: number[] = [];
  const prepared = new Map<number, Set<string>>();
  let opened = 0;
  let clients = 0;
  const take = () => {
    traffic(free);
    const backend = free.shift() ?? (opened < size ? 100 + opened++ : undefined);
    if (backend === undefined) throw new Error('Query read timeout');
    return backend;
  };
  const giveBack = (backend: number) => {
    if (order === 'lifo') free.unshift(backend);
    else free.push(backend);
  };
  const connect = async (): Promise<Probe> => {
    let held: number | null = null;
    let knowsName = false;
    clients++;
    const run = (named: boolean) => {
      const backend = held ?? take();
      const names = prepared.get(backend) ?? new Set();
      prepared.set(backend, names);
      const isThere = names.has('probe');
      if (held === null) giveBack(backend);
      if (named && !carriesNames && knowsName !== isThere) throw new Error(isThere ? '42P05' : '26000');
      if (named) names.add('probe');
      knowsName ||= named;
      return backend;
    };
    return {
      announced: -clients,
      backend: async (statement) => run(statement === 'named'),
      begin: async () => {
        held = take();
      },
      rollback: async () => {
        if (held !== null) giveBack(held);
        held = null;
      },
      end: async () => {
        clients--;
        if (held !== null) giveBack(held);
      },
    };
  };
  return { connect, open: () => clients };
}

/** A server, or a session pooler, which makes up the process that it announces. */
function sessions(announce: (backend: number) => number, atMost = 10) {
  let clients = 0;
  const connect = async (): Promise<Probe> => {
    const backend = 100 + clients++;
    const answer = async () => {
      if (clients > atMost) throw new Error('Query read timeout');
      return backend;
    };
    const done = async () => undefined;
    return {
      announced: announce(backend),
      backend: answer,
      begin: async () => void (await answer()),
      rollback: done,
      end: async () => void clients--,
    };
  };
  return { connect, open: () => clients };
}

const SIZES = [1, 2, 3, 20];
const ORDERS = ['lifo', 'fifo'] as const;
const CASES = SIZES.flatMap((size) => ORDERS.map((order) => ({ size, order })));

test('Postgres itself announces the process that answers', async () => {
  const server = sessions((backend) => backend);
  expect(await detectPooling('', server.connect)).toEqual({ pooled: false, namedStatements: true });
  expect(server.open()).toBe(0);
});

test.each(CASES)('a transaction pooler of $size ($order) that breaks names', async ({ size, order }) => {
  const pooler = transactionPooler({ size, order, carriesNames: false });
  for (let times = 0; times < 3; times++) {
    expect(await detectPooling('', pooler.connect)).toEqual({ pooled: true, namedStatements: false });
  }
  expect(pooler.open()).toBe(0);
});

test.each(CASES)('a transaction pooler of $size ($order) that carries names', async ({ size, order }) => {
  const pooler = transactionPooler({ size, order, carriesNames: true });
  expect(await detectPooling('', pooler.connect)).toEqual({ pooled: true, namedStatements: true });
  expect(pooler.open()).toBe(0);
});

test.each(CASES)('one of $size ($order) that others use, too', async ({ size, order }) => {
  const traffic = (free: number[]) => void free.reverse();
  const pooler = transactionPooler({ size, order, carriesNames: false, traffic });
  expect((await detectPooling('', pooler.connect)).namedStatements).toBe(false);
});

test('a session pooler carries names', async () => {
  const pooler = sessions(() => -1);
  expect(await detectPooling('', pooler.connect)).toEqual({ pooled: true, namedStatements: true });
  expect(pooler.open()).toBe(0);
});

test('names are left out where a session pooler is too full to prove that it carries them', async () => {
  const pooler = sessions(() => -1, 1);
  expect(await detectPooling('', pooler.connect)).toEqual({ pooled: true, namedStatements: false });
  expect(pooler.open()).toBe(0);
});

test('names are left out where no second connection is to be had', async () => {
  const pooler = sessions(() => -1);
  let connections = 0;
  const connect = () => (connections++ === 0 ? pooler.connect() : Promise.reject(new Error('too many')));
  expect(await detectPooling('', connect)).toEqual({ pooled: true, namedStatements: false });
});

test('a database that cannot be reached is the error of the driver', async () => {
  await expect(detectPooling('', () => Promise.reject(new Error('ECONNREFUSED')))).rejects.toThrow('ECONNREFUSED');
});
