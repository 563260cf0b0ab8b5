import { readLine } from './import-line.js';

/** The time of the database, which this process is days ahead of. */
const NOW = new Date('2026-01-02T03:04:05Z');
const read = (record: unknown) => readLine({ line: 7, record }, { roles: ['user'], now: NOW });
const reason = (record: unknown) => {
  const result = read(record);
  return result && 'reason' in result ? result.reason : null;
};

test('a line that says the address alone is a user', () => {
  expect(read({ email: 'Ada@Example.com', name: '' })).toMatchObject({ line: 7, name: null, roles: ['user'] });
});

test.each([
  ['2019-02-03T04:05:06Z', '2019-02-03T04:05:06.000Z'],
  [0, '1970-01-01T00:00:00.000Z'],
  [1_549_166_706_000, '2019-02-03T04:05:06.000Z'],
  ['1549166706000', '2019-02-03T04:05:06.000Z'],
  ['2019-02-03 04:05:06.789123+00', '2019-02-03T04:05:06.789Z'],
  [NOW.getTime(), NOW.toISOString()],
])('createdAt %j is %s', (createdAt, expected) => {
  const user = read({ email: 'a@x.test', createdAt });
  expect(user && 'createdAt' in user && user.createdAt?.toISOString()).toBe(expected);
});

test.each([
  ['t', true],
  ['f', false],
  ['1', true],
  [0, null],
  ['TRUE', true],
  [false, false],
])('emailVerified %j is %s', (emailVerified, expected) => {
  const user = read({ email: 'a@x.test', emailVerified });
  expect(user && 'emailVerified' in user ? user.emailVerified : null).toBe(expected);
});

test('a blank field says nothing, however wide', () => {
  const blanks = { name: ' ', username: '\u00a0', createdAt: '\t', passwordHash: ' ', emailVerified: ' ' };
  expect(read({ email: ' a@x.test ', ...blanks })).toMatchObject({
    email: { written: 'a@x.test' },
    name: null,
    createdAt: null,
  });
});

test.each(['9999-12-31T23:59:59Z', NOW.getTime() + 1, '2026-01-02T03:04:06Z', 9e15, 8.7e15, -1, 'yesterday', 1.5])(
  'createdAt %j is refused',
  (createdAt) => {
    expect(reason({ email: 'a@x.test', createdAt })).toMatch(/^createdAt: /);
  },
);

test('a name in decomposed characters is kept in composed ones, as the search looks for it', () => {
  expect(read({ email: 'a@x.test', name: 'Jose\u0301' })).toMatchObject({ name: 'Jos\u00e9' });
});

test.each([['a\u0000b'], ['Admin'], ['']])('the role %j is refused: no role has such a name', (role) => {
  expect(reason({ email: 'a@x.test', roles: ['user', role] })).toMatch(/^roles\.1: Use 1 to 64/);
});

test('roles of a CSV are read from one text', () => {
  expect(read({ email: 'a@x.test', roles: 'user; editor' })).toMatchObject({ roles: ['user', 'editor'] });
});

test('text that was no UTF-8 is not kept as something else', () => {
  const name = Buffer.from([0x4d, 0xfc, 0x6c]).toString('utf8');
  expect(reason({ email: 'a@x.test', name })).toBe('The text is damaged: save the file as UTF-8.');
  expect(reason({ email: 'a@x.test', name: 'Mül' })).toBeNull();
});

test('the fault of a line is told with its address', () => {
  expect(readLine({ line: 3, record: { email: 'a@x.test' }, fault: 'Uneven.' }, { roles: [], now: NOW })).toEqual({
    line: 3,
    email: 'a@x.test',
    reason: 'Uneven.',
  });
});
