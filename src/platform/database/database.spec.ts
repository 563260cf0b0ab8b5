import { Logger } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { Database } from './database.js';

/** What TypeORM does around a transaction and a savepoint, without a connection. */
function fakeManager(): EntityManager {
  const manager = { queryRunner: {}, transaction: (work: (m: unknown) => unknown) => work(manager) };
  return manager as unknown as EntityManager;
}

const manager = fakeManager();
const database = new Database({
  transaction: (work: (m: EntityManager) => unknown) => work(manager),
} as unknown as DataSource);

test('what follows a commit runs after it, in order', async () => {
  const said: string[] = [];
  const result = await database.transaction(async (own) => {
    database.afterCommit(own, () => void said.push('first'));
    database.afterCommit(own, () => void said.push('second'));
    said.push('work');
    return 'done';
  });
  expect([result, said]).toEqual(['done', ['work', 'first', 'second']]);
});

test('nothing follows a transaction that rolls back', async () => {
  let told = false;
  const failing = database.transaction(async (own) => {
    database.afterCommit(own, () => {
      told = true;
    });
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  await database.transaction(async () => undefined);
  expect(told).toBe(false);
});

test('nothing follows a transaction whose commit is in doubt', async () => {
  const lost = new Error('Connection terminated unexpectedly');
  const doubtful = new Database({
    transaction: async (work: (m: EntityManager) => unknown) => {
      await work(manager);
      throw lost;
    },
  } as unknown as DataSource);
  let told = false;
  const committing = doubtful.transaction(async (own) =>
    doubtful.afterCommit(own, () => {
      told = true;
    }),
  );
  await expect(committing).rejects.toBe(lost);
  expect(told).toBe(false);
});

test('nothing follows a savepoint that rolls back, and the rest of the transaction does', async () => {
  const said: string[] = [];
  await database.transaction(async (own) => {
    database.afterCommit(own, () => void said.push('outer'));
    await database
      .savepoint(own, async (inner) => {
        database.afterCommit(inner, () => void said.push('inner'));
        throw new Error('no');
      })
      .catch(() => undefined);
    await database.savepoint(own, async (inner) => database.afterCommit(inner, () => void said.push('kept')));
  });
  expect(said).toEqual(['outer', 'kept']);
});

test('a change that is made counts as made, whatever its consequences throw', async () => {
  const logged: unknown[] = [];
  Logger.overrideLogger({ log: () => undefined, warn: () => undefined, error: (...said) => logged.push(said) });
  let told = false;
  await database.transaction(async (own) => {
    database.afterCommit(own, () => {
      throw new Error('deaf');
    });
    database.afterCommit(own, () => {
      told = true;
    });
  });
  Logger.overrideLogger(false);
  expect([told, logged.length]).toEqual([true, 1]);
});

test('after the end of a transaction nothing can follow it', async () => {
  await database.transaction(async () => undefined);
  expect(() => database.afterCommit(manager, () => undefined)).toThrow('no transaction');
});
