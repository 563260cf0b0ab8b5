import { EventEmitter } from 'node:events';
import type { Client } from 'pg';
import { Clock } from '../../common/clock.js';
import { Bell, ChannelError } from './bell.js';

class MovedClock extends Clock {
  time = 0;
  override elapsed() {
    return this.time;
  }
}

/** A connection that listens, and what notifications it is given. */
class Listener extends EventEmitter {
  readonly statements: string[] = [];
  async query(sql: string) {
    this.statements.push(sql);
  }
  notify(payload: string | undefined) {
    this.emit('notification', { channel: 'gatehouse', payload });
  }
}

async function fixture() {
  const clock = new MovedClock();
  const listener = new Listener();
  let rung = 0;
  const bell = new Bell(clock, () => rung++, 20);
  await bell.hang(listener as unknown as Client);
  return { clock, listener, bell, rung: () => rung };
}

test('rings for every notification, and keeps the words until they are taken', async () => {
  const { listener, bell, rung } = await fixture();
  expect(listener.statements).toEqual(['LISTEN gatehouse']);
  for (const word of ['mail', 'session x', 'mail', undefined]) listener.notify(word);
  expect(rung()).toBe(4);
  expect(bell.take()).toEqual(['mail', 'session x', '']);
  expect(bell.take()).toEqual([]);
});

test('a flood of words, or long ones, takes no more memory than a few', async () => {
  const { listener, bell, rung } = await fixture();
  for (let n = 0; n < 10_000; n++) listener.notify(`${n} ${'x'.repeat(7_000)}`);
  const words = bell.take();
  expect(rung()).toBe(10_000);
  expect(words.length).toBeLessThanOrEqual(100);
  expect(Math.max(...words.map((word) => word.length))).toBeLessThanOrEqual(64);
});

test('is proven by a notification that nobody can guess, and by no other', async () => {
  const { listener, bell } = await fixture();
  const sent: string[] = [];
  await bell.prove(async (word) => {
    sent.push(word);
    listener.notify('nonce');
    listener.notify('pulse');
    listener.notify(word);
  });
  expect(sent).toEqual([expect.stringMatching(/^nonce [0-9a-f]{32}$/)]);
});

test('where nothing comes back it says what to set, after three tries with another nonce each', async () => {
  const { bell } = await fixture();
  const sent = new Set<string>();
  await expect(bell.prove(async (word) => sent.add(word))).rejects.toThrow(ChannelError);
  expect(sent.size).toBe(3);
  expect(new ChannelError().message).toMatch(/DATABASE_DIRECT_URL.*REVOCATION_FEED=poll/);
  expect(new ChannelError().message.split(/[.!?](?:\s|$)/).filter(Boolean)).toHaveLength(1);
});

test('a late answer to the first try counts for nothing but its own', async () => {
  const { listener, bell } = await fixture();
  let first: string | undefined;
  await expect(
    bell.prove(async (word) => {
      if (first !== undefined) listener.notify(first);
      first ??= word;
    }),
  ).rejects.toThrow(ChannelError);
});

test('only a pulse says that it is heard: whatever else comes may be anybody’s', async () => {
  const { clock, listener, bell } = await fixture();
  expect([bell.isHeard, bell.silentFor]).toEqual([false, 0]);
  clock.time = 9_000;
  listener.notify('session x');
  expect([bell.isHeard, bell.silentFor]).toEqual([false, 9_000]);
  listener.notify('pulse');
  expect([bell.isHeard, bell.silentFor]).toEqual([true, 0]);
  clock.time += 3_000;
  expect([bell.isHeard, bell.silentFor]).toEqual([false, 3_000]);
});
