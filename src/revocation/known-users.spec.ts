import { KnownUsers } from './known-users.js';

const ADA = '018f0000-0000-7000-8000-000000000001';
const BOB = '018f0000-0000-7000-8000-000000000002';

test('tells what was last heard of a user, until it lapses', () => {
  let now = 100;
  const users = new KnownUsers(() => now);
  expect(users.of(ADA)).toBeNull();
  users.remember(ADA, 1, { roles: ['admin', 'user'], disabled: false }, 160);
  users.remember(BOB, 1, { roles: [], disabled: true }, 130);
  expect(users.of(ADA)).toEqual({ roles: ['admin', 'user'], disabled: false });
  expect(users.of(BOB)).toEqual({ roles: [], disabled: true });
  users.remember(ADA, 1, { roles: ['user'], disabled: true }, 160);
  expect(users.of(ADA)).toEqual({ roles: ['user'], disabled: true });
  now = 131;
  expect([users.of(ADA), users.of(BOB)]).toEqual([{ roles: ['user'], disabled: true }, null]);
});

test('of more role sets than there can sensibly be, no more are remembered, and none is mistaken for another', () => {
  const users = new KnownUsers(() => 100);
  const id = (n: number) => `018f0000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
  for (let n = 0; n < 10_002; n++) users.remember(id(n), n, { roles: [`r${n}`], disabled: n % 2 === 1 }, 160);
  expect(users.of(id(9_999))).toEqual({ roles: ['r9999'], disabled: true });
  expect([users.of(id(10_000)), users.of(id(10_001))]).toEqual([null, null]);
  users.remember(id(10_001), 20_000, { roles: ['r5'], disabled: false }, 160);
  expect(users.of(id(10_001))).toEqual({ roles: ['r5'], disabled: false });
  // What is known no more is not taken for what it was before.
  users.remember(id(10_001), 20_001, { roles: ['one', 'more'], disabled: false }, 160);
  expect(users.of(id(10_001))).toBeNull();
  users.remember(id(10_001), 20_002, { roles: ['r6'], disabled: true }, 160);
  expect(users.of(id(10_001))).toEqual({ roles: ['r6'], disabled: true });
});

test('what an older change says is passed over, also where the numbers have grown past 32 bits', () => {
  const users = new KnownUsers(() => 0);
  const state = (disabled: boolean) => ({ roles: ['user'], disabled });
  for (const newest of [7, 2 ** 32 - 1, 2 ** 32 + 5]) {
    users.remember(ADA, newest, state(false), 1);
    users.remember(ADA, newest - 3, state(true), 1);
    expect(users.of(ADA)).toEqual(state(false));
  }
});
