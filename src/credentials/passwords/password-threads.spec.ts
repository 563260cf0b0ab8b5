import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, getPriority } from 'node:os';
import { Test } from '@nestjs/testing';
import bcrypt from 'bcrypt';
import type { Piscina } from 'piscina';
import {
  HashQueueFullError,
  PASSWORD_HASHER_OPTIONS,
  PasswordHasher,
  type PasswordHasherOptions,
} from './password-hasher.js';

const cores = availableParallelism();
const pepper = Buffer.alloc(32, 'pepper');
const running: PasswordHasher[] = [];

async function start(options: Partial<PasswordHasherOptions> = {}): Promise<PasswordHasher> {
  const hasher = new PasswordHasher({ cost: 4, pepper, queuePerCore: 64, ...options });
  await hasher.onModuleInit();
  running.push(hasher);
  return hasher;
}

/** The pool is nobody's business but the hasher's; here it is reached to break it. */
const poolOf = (hasher: PasswordHasher) => (hasher as unknown as { pool: Piscina }).pool;

let hasher: PasswordHasher;
beforeAll(async () => {
  hasher = await start();
});
afterAll(() => Promise.all(running.map((one) => one.onApplicationShutdown())));

describe('the queue', () => {
  it('takes one hash a core and queuePerCore to wait, and refuses the next at once', async () => {
    const small = await start({ cost: 8, queuePerCore: 2 });
    const settled: string[] = [];
    const accepted = Array.from({ length: cores * 3 }, () => small.hash('x').then(() => settled.push('done')));
    const refused = [small.hash('x'), small.verify('x', null), small.verify('x', 'nonsense')].map((job) =>
      job.catch((error) => settled.push(error.name)),
    );
    await Promise.all(refused);
    expect(settled).toEqual(Array(3).fill('HashQueueFullError'));
    await Promise.all(accepted);
    expect(settled.slice(3)).toEqual(Array(cores * 3).fill('done'));

    const again = Array.from({ length: cores * 3 }, () => small.hash('x'));
    await expect(small.hash('x')).rejects.toThrow(HashQueueFullError);
    await Promise.all(again);
  });

  it('is asked once for each guess, also at a hash from elsewhere: what was compared is answered', async () => {
    const imported = bcrypt.hashSync('right', 4).replace('$2b$', '$2a$');
    const before = poolOf(hasher).completed;
    expect(await hasher.verify('wrong', imported)).toBe(false);
    expect(await hasher.verify('right', imported)).toBe(true);
    expect(poolOf(hasher).completed - before).toBe(2);
  });

  it('serves in the order of arrival', async () => {
    const done: number[] = [];
    const jobs = Array.from({ length: cores * 20 }, (_, index) => hasher.hash('x').then(() => done.push(index)));
    await Promise.all(jobs);
    // Each thread takes the job that came first, so what it has done is in order; a thread that the machine holds up is late
    // with one job and no more. Of jobs that ended in reverse there can be no more in a row than there are threads.
    const reversed = done.map(() => 1);
    for (let at = 0; at < done.length; at++)
      for (let before = 0; before < at; before++)
        if (done[before]! > done[at]!) reversed[at] = Math.max(reversed[at]!, reversed[before]! + 1);
    expect(Math.max(...reversed)).toBeLessThanOrEqual(cores);
  });

  it('leaves the main thread free', async () => {
    const twelve = await start({ cost: 12 });
    let turns = 0;
    let isDone = false;
    const turn = () => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    await Promise.all(Array.from({ length: cores * 2 }, () => twelve.hash('x')));
    isDone = true;
    // Hashing on this thread would leave a turn or two for each hash.
    expect(turns).toBeGreaterThan(cores * 100);
  });
});

describe('the threads', () => {
  /** Field 19 of proc(5) stat; the name in field 2 may hold spaces. */
  const niceValues = () =>
    readdirSync('/proc/self/task').map((tid) => {
      const stat = readFileSync(`/proc/self/task/${tid}/stat`, 'utf8');
      return { tid, nice: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]) };
    });

  it('run at the least priority on Linux, and the main thread keeps its own', async () => {
    const ours = getPriority();
    const linux = process.platform === 'linux';
    const lowered = () => (linux ? niceValues().filter(({ nice }) => nice === 19) : []);
    const before = lowered().length;
    const one = await start();
    await Promise.all(Array.from({ length: cores * 4 }, () => one.hash('x')));
    expect(lowered().length - before).toBe(linux ? cores : 0);
    expect(lowered().map(({ tid }) => tid)).not.toContain(String(process.pid));
    expect(getPriority()).toBe(ours);
  });

  it('are replaced when they die: what they ran fails, what waited is served', async () => {
    const one = await start({ cost: 10 });
    const jobs = Array.from({ length: cores * 2 }, () => one.hash('x'));
    const dead = poolOf(one).threads;
    await Promise.all([Promise.allSettled(jobs), ...dead.map((thread) => thread.terminate())]);
    const outcomes = (await Promise.allSettled(jobs)).map(({ status }) => status);
    expect(outcomes).toEqual([...Array(cores).fill('rejected'), ...Array(cores).fill('fulfilled')]);
    expect(await one.verify('x', await one.hash('x'))).toBe(true);
    expect(poolOf(one).threads.some((thread) => dead.includes(thread))).toBe(false);
  });

  it('are not ended before they can hash: one that still loads bcrypt would take the process with it', async () => {
    const one = new PasswordHasher({ cost: 4, pepper, queuePerCore: 1, processes: 1 / 4 });
    await one.onModuleInit();
    const { loaded } = one as unknown as { loaded: Int32Array };
    await one.onApplicationShutdown();
    expect(loaded[0]).toBe(cores * 4);
  });

  it('start and end with the module', async () => {
    const module = await Test.createTestingModule({
      providers: [
        PasswordHasher,
        {
          provide: PASSWORD_HASHER_OPTIONS,
          useValue: { cost: 4, pepper, queuePerCore: 1 } satisfies PasswordHasherOptions,
        },
      ],
    }).compile();
    await module.init();
    const one = module.get(PasswordHasher);
    expect(await one.verify('x', await one.hash('x'))).toBe(true);
    const { threads } = poolOf(one);
    expect(threads).toHaveLength(cores);
    const exits = threads.map((thread) => new Promise((resolve) => thread.once('exit', resolve)));
    await module.close();
    await Promise.all(exits);
    await expect(one.hash('x')).rejects.toThrow('not running');
  });
});

it('closes without having been started', async () => {
  const idle = new PasswordHasher({ cost: 4, pepper, queuePerCore: 1 });
  await expect(idle.onApplicationShutdown()).resolves.toBeUndefined();
});

describe('settings', () => {
  it.each([3, 16, 10.5, Number.NaN])('refuses the cost %d', (cost) => {
    expect(() => new PasswordHasher({ cost, pepper, queuePerCore: 1 })).toThrow('cost');
  });

  it('refuses a short pepper and an empty queue', () => {
    const short = { cost: 10, pepper: Buffer.alloc(31), queuePerCore: 1 };
    expect(() => new PasswordHasher(short)).toThrow('pepper');
    expect(() => new PasswordHasher({ cost: 10, pepper, queuePerCore: 0 })).toThrow('queue');
  });
});
