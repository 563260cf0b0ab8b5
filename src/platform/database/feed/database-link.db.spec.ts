import { createDatabase, type TestDatabase } from '../../../../test/support/database.js';
import { waitFor } from '../../../../test/support/wait-for.js';
import { Clock } from '../../common/clock.js';
import { DatabaseLink, linkSettings } from './database-link.js';
import type { Look } from './look.js';
import { LISTENER, RING } from './pulse.js';

let database: TestDatabase;
let link: DatabaseLink;

beforeAll(async () => {
  database = await createDatabase();
  const { url } = database;
  const settings = linkSettings({ url, directUrl: url, feed: 'notify' }, `${LISTENER} spec`, (word) =>
    database.query(RING, [word]),
  );
  link = new DatabaseLink(settings, new Clock());
});

afterAll(async () => {
  await link?.stop();
  await database?.drop();
});

it('looks once for each pulse of its own while nothing changes', async () => {
  const looks: Look[] = [];
  await link.start((look) => looks.push(look));
  const isPulse = ({ words }: Look) => words.includes('pulse');
  await waitFor(() => looks.filter(isPulse).length === 3);
  const sinceFirst = looks.slice(looks.findIndex(isPulse));
  expect(sinceFirst.map(isPulse)).toEqual([true, true, true]);
  expect(Math.max(...sinceFirst.map(({ pulseAge }) => pulseAge))).toBeLessThan(900);
});
