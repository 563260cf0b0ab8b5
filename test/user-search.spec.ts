import { withRoles } from './support/admins.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { type Answer, Gatehouse } from './support/gatehouse.js';
import type { Schemas } from './support/schemas.js';
import type { Problem, SignedUp } from './support/users.js';

/** The search among users who are so far apart that they fill twenty slices of its index. */
const PEOPLE = 300;
const APART = 1_100;
const NAMES = ['Ada Young', 'Grace_Hopper', 'Łukasz Żak', 'владимир', "Conan O'Brien", '100% (sure)', 'a.b', null];

interface Person {
  id: string;
  number: string;
  text: string;
  status: string;
  editor: boolean;
}

let database: TestDatabase;
let gatehouse: Gatehouse;
let admin: SignedUp;
let people: Person[];

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  admin = await withRoles(gatehouse, database, 'admin');
  await database.query(`INSERT INTO roles (name) VALUES ('editor')`);
  await database.query(
    `INSERT INTO users (id, number, email, email_key, username, name, status) OVERRIDING SYSTEM VALUE
     SELECT gen_random_uuid(), 100 + n * ${APART}, e, e, 'person' || n, ($2::text[])[1 + n % cardinality($2::text[])],
       CASE WHEN n % 5 = 0 THEN 'disabled' ELSE 'active' END
     FROM generate_series(1, $1::integer) AS n, LATERAL (SELECT 'p' || n || CASE WHEN n < 100 THEN '@old.example' ELSE '@example.com' END AS e) x`,
    [PEOPLE, NAMES],
  );
  await database.query(`INSERT INTO user_roles SELECT id, 'editor' FROM users WHERE number % 3 = 0`);
  people = await database.query<Person & Record<string, unknown>>(
    `SELECT u.id, number::text, search_text AS text, status, EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND role = 'editor') AS editor
     FROM users u ORDER BY u.number DESC`,
  );
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const ask = <T>(path: string) => gatehouse.call<T>('GET', path, { token: admin.accessToken });

async function pages(path: string, from = ''): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = from; cursor !== null; ) {
    const { body }: Answer<Schemas['UserPage']> = await ask<Schemas['UserPage']>(
      `${path}${cursor && `&cursor=${cursor}`}`,
    );
    ids.push(...body.items.map(({ id }) => id));
    cursor = body.nextCursor;
  }
  return ids;
}

const anywhere = (text: string) => (person: Person) => person.text.includes(text);
const wordBegin = (text: string) => (person: Person) =>
  ['\u001f', ' ', '.', '-', '_', '@', '+', "'", '(', '"'].some((sign) => person.text.includes(sign + text));
const ids = (fit: (person: Person) => boolean) => people.filter(fit).map(({ id }) => id);

describe('a search finds everybody once, newest first, over every slice', () => {
  test.each([
    ['example', anywhere('example')],
    ['OLD.', anywhere('old.')],
    ['p42@old.example', anywhere('p42@old.example')],
    ['ada young', anywhere('ada young')],
    ['ace_hop', anywhere('ace_hop')],
    ['łukasz', anywhere('łukasz')],
    ['ВЛАД', anywhere('влад')],
    ["o'brien", anywhere("o'brien")],
    ['example.com.example', () => false],
    ['%', anywhere('%')],
    ['_', anywhere('_')],
    ['@old', anywhere('@old')],
    ['@e', anywhere('@e')],
    ['% (', anywhere('% (')],
    ['\\', () => false],
    ['.*', () => false],
    ['y', wordBegin('y')],
    ['p1', wordBegin('p1')],
    ['ż', wordBegin('ż')],
    ['a.b', wordBegin('a.b')],
    ['da y', anywhere('da y')],
    ['2@ol', anywhere('2@ol')],
    ['n o', wordBegin('n o')],
    ['a*', () => false],
    ['o(', () => false],
    ['x'.repeat(200), () => false],
  ])('%j', async (query, fit) => {
    expect(await pages(`/v1/users?limit=7&query=${encodeURIComponent(query)}`)).toEqual(ids(fit));
  });

  test.each([
    ['status=disabled', ({ status }: Person) => status === 'disabled'],
    ['status=active', ({ status }: Person) => status === 'active'],
    ['role=editor', ({ editor }: Person) => editor],
    ['role=editor&status=active', ({ editor, status }: Person) => editor && status === 'active'],
    ['role=nothing', () => false],
  ])('%s', async (filter, fits) => {
    const found = await pages(`/v1/users?limit=7&query=example.com&${filter}`);
    expect(found).toEqual(ids((person) => anywhere('example.com')(person) && fits(person)));
  });
});

test.each(['example', 'old.ex', '%', 'p1', 'влад'])('without patience every page of %j is one slice', async (query) => {
  const word = query === 'p1' ? '[\u001f .@]p1' : null;
  const seen: string[] = [];
  let count = 0;
  for (let below: string | null = '9'.repeat(18); below !== null; count++) {
    const rows: { id: string | null; number: string }[] = await database.query(
      `SELECT id, number::text FROM users_search($1, $2, $3, NULL, NULL, 1000, '0')`,
      [query, word, below],
    );
    seen.push(...rows.flatMap(({ id }) => id ?? []));
    below = rows.find(({ id }) => id === null)?.number ?? null;
  }
  expect(count).toBe(Math.floor((PEOPLE * APART + 100) / 2 ** 14) + 1);
  expect(seen).toEqual(ids(word ? wordBegin(query) : anywhere(query)));
});

test('of a long text the index is asked for what few have, and never for what it cannot know', async () => {
  const keys = async (text: string) =>
    (await database.query<{ keys: string[] }>('SELECT users_search_keys($1) AS keys', [text]))[0]?.keys;
  expect(await keys('p42@old.example')).toHaveLength(3);
  expect(await keys('example.com.qqq')).toContain('%qqq%');
  expect(await keys('@_%')).toEqual([]);
  expect(await keys('%')).toEqual([]);
  expect(await keys('100% (sure)')).toEqual(expect.arrayContaining([expect.stringMatching(/^%.{3,4}%$/)]));
});

test('who comes while one pages is no part of it, and nobody is left out', async () => {
  const before = ids(anywhere('example'));
  const first = (await ask<Schemas['UserPage']>('/v1/users?limit=5&query=example')).body;
  await database.query(
    `INSERT INTO users (id, number, email, email_key) OVERRIDING SYSTEM VALUE
     SELECT gen_random_uuid(), 1000000 + n, e, e FROM generate_series(1, 20) n, LATERAL (SELECT 'late' || n || '@example.com' AS e) x`,
  );
  const rest = await pages('/v1/users?limit=50&query=example', first.nextCursor ?? '');
  expect([...first.items.map(({ id }) => id), ...rest]).toEqual(before);
});

test.each(['1e3', '-1', '9'.repeat(19), '', '000x'])('a cursor of %j is refused', async (key) => {
  const cursor = Buffer.from(key).toString('base64url');
  const { status, body } = await ask<Problem>(`/v1/users?query=example&cursor=${cursor || '%20'}`);
  expect([status, body.errors?.[0]?.pointer]).toEqual([400, '/cursor']);
});

test('the cursor of the one list is none of the other', async () => {
  const list = (await ask<Schemas['UserPage']>('/v1/users?limit=1')).body.nextCursor;
  const search = (await ask<Schemas['UserPage']>('/v1/users?limit=1&query=example')).body.nextCursor;
  expect((await ask<Problem>(`/v1/users?query=example&cursor=${list}`)).status).toBe(400);
  expect((await ask<Problem>(`/v1/users?cursor=${search}`)).status).toBe(400);
});
