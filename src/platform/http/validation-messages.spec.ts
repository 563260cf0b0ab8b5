import { z } from 'zod';
import { SchemaPipe } from './schema.pipe.js';

/** What a person reads beside a field whose schema says nothing of its own. */
const form = z.strictObject({
  name: z.string().min(1).max(3),
  count: z.int().min(1),
  state: z.enum(['on', 'off']),
  tags: z.array(z.string()).max(1),
  at: z.iso.datetime({ offset: true }),
  id: z.uuid(),
  said: z.string().regex(/^a/, { message: 'Begin with an a.' }),
});
const ID = '0193b3c4-8d2a-7e61-9f0b-5a4c3d2e1f00';
const good = { name: 'Ada', count: 1, state: 'on', tags: [], at: '2026-11-30T12:00:00Z', id: ID, said: 'a' };

async function faultsOf(value: unknown) {
  const transform = new SchemaPipe().transform(value, { type: 'body', schema: form as never });
  return (await Promise.resolve(transform).then(
    () => [],
    ({ errors }) => errors,
  )) as { pointer: string; detail: string }[];
}

test.each<[change: object, pointer: string, detail: string]>([
  [{ name: undefined }, '/name', 'Required.'],
  [{ state: undefined }, '/state', 'Required.'],
  [{ name: 1 }, '/name', 'This must be text.'],
  [{ name: '' }, '/name', 'At least 1 character.'],
  [{ name: 'four' }, '/name', 'At most 3 characters.'],
  [{ count: 1.5 }, '/count', 'This must be a whole number.'],
  [{ count: 0 }, '/count', 'At least 1.'],
  [{ state: 'up' }, '/state', 'This must be on or off.'],
  [{ tags: 1 }, '/tags', 'This must be a list.'],
  [{ tags: ['one', 'two'] }, '/tags', 'At most 1 entry.'],
  [{ at: 'noon' }, '/at', 'Write a time with its zone, such as 2026-11-30T12:00:00Z.'],
  [{ at: '2026-11-30T12:00:00' }, '/at', 'Write a time with its zone, such as 2026-11-30T12:00:00Z.'],
  [{ id: 'x' }, '/id', `Write an id, such as ${ID}.`],
  [{ said: 'b' }, '/said', 'Begin with an a.'],
  [{ other: 1 }, '/other', 'Unknown field.'],
])('%j', async (change, pointer, detail) => {
  expect(await faultsOf({ ...good, ...change })).toEqual([{ pointer, detail }]);
});

test('a valid value has no fault, and a value that is not an object has one', async () => {
  expect(await faultsOf(good)).toEqual([]);
  expect(await faultsOf('text')).toEqual([{ pointer: '', detail: 'This must be an object.' }]);
});
