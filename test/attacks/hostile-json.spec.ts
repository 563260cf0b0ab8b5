import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem, signUp } from '../support/users.js';

/**
 * Bodies that two parsers may read differently, or that a parser trips on: RFC 8259, RFC 7493 (I-JSON); ASVS 5.0 V1.5.3,
 * V2.2.1; CVE-2022-24999 and its kind (prototype pollution). 400 malformed_json, never 500, never half a success.
 */

let database: TestDatabase;
let gatehouse: Gatehouse;
beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
});
afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const ROUTES = ['/v1/auth/register', '/v1/auth/login', '/v1/auth/refresh', '/v1/auth/logout'];

/** Sends bytes as JSON to every public route. */
async function post(bytes: string | Buffer, path: string): Promise<{ status: number; code: string; text: string }> {
  const response = await fetch(gatehouse.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof bytes === 'string' ? bytes : new Uint8Array(bytes),
  });
  const text = await response.text();
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  return { status: response.status, code: (JSON.parse(text) as Problem).code, text };
}

/** Unknown members with names as short as can be, up to the size that is still read. */
function fullBody(): string {
  let body = '{';
  for (let i = 0; body.length < 64 * 1024 - 10; i++) body += `"${i.toString(36)}":0,`;
  return `${body.slice(0, -1)}}`;
}

const form = (members: string) => `{"email":"eve@example.com","password":${JSON.stringify(PASSWORD)}${members}}`;

const MALFORMED: Record<string, string | Buffer> = {
  'white space only': ' ',
  'a bracket': '{',
  'a closing bracket': '}',
  'brackets of two kinds': '{]',
  'a comma at the end': form(','),
  'two commas': form(',,"name":"x"'),
  'no quotation marks': '{email:1}',
  'single quotation marks': "{'email':'x'}",
  'a comment': form('/* */'),
  'a line comment': `${form('')}// x`,
  'two values': `${form('')}${form('')}`,
  'two values in lines': `${form('')}\n${form('')}`,
  NaN: '{"email":NaN}',
  Infinity: '{"email":Infinity}',
  undefined: '{"email":undefined}',
  'a number with a leading zero': '{"email":01}',
  'a hexadecimal number': '{"email":0x1}',
  'a number with a plus': '{"email":+1}',
  'a number that ends in a dot': '{"email":1.}',
  'a raw line break in a string': '{"email":"a\nb"}',
  'a raw tab in a string': '{"email":"a\tb"}',
  'a raw NUL in a string': '{"email":"a\u0000b"}',
  'an escape that is none': '{"email":"\\x41"}',
  'half an escape': '{"email":"\\u00"}',
  'True in capitals': '{"email":True}',
  'a string without end': '{"email":"',
  'a byte order mark': `\ufeff${form('')}`,
  'UTF-16': Buffer.from(form(''), 'utf16le'),
  'UTF-16 with its mark': Buffer.from(`\ufeff${form('')}`, 'utf16le'),
  'a byte that is not UTF-8': Buffer.from('{"email":"\xff"}', 'latin1'),
  'UTF-8 that is longer than it must be': Buffer.from([...Buffer.from('{"email":"'), 0xc0, 0xaf, ...Buffer.from('"}')]),
  'UTF-8 of a surrogate': Buffer.from([...Buffer.from('{"email":"'), 0xed, 0xa0, 0x80, ...Buffer.from('"}')]),
  'UTF-8 cut off': Buffer.from([...Buffer.from('{"email":"'), 0xe2, 0x82]),
  'a lone surrogate': '{"email":"\\ud800"}',
  'surrogates in the wrong order': '{"email":"\\udc00\\ud800"}',
  'a lone surrogate in a name': '{"\\ud800":1}',
  'a member twice': form(',"email":"other@example.com"'),
  'a member twice, alike': form(',"email":"eve@example.com"'),
  'the password twice, once escaped': form(',"\\u0070assword":"another good password"'),
  'a member twice, both escaped in part': '{"em\\u0061il":1,"\\u0065mail":1}',
  'a member twice, deep inside': form(',"name":{"a":[{"b":{"c":1,"c":2}}]}'),
  'a member twice behind a string that looks like one': '{"a":"\\"email\\":","email":1,"email":2}',
  'the empty name twice': '{"":1,"":2}',
  'a __proto__': form(',"__proto__":{"roles":["admin"]}'),
  'an escaped __proto__': form(',"__pr\\u006fto__":{"roles":["admin"]}'),
  'a __proto__ deep inside': form(',"name":[[{"__proto__":null}]]'),
  'a form': 'email=a&password=b',
  XML: '<a/>',
};

describe.each(ROUTES)('POST %s', (path) => {
  test.each(Object.keys(MALFORMED))('%s', async (name) => {
    const { status, code, text } = await post(MALFORMED[name] ?? '', path);
    expect([status, code]).toEqual([400, 'malformed_json']);
    expect(text).not.toMatch(/position|token|SyntaxError|\bat /i);
  });

  test('well-formed, but nothing that stands here: unknown names that code trips on', async () => {
    for (const name of [
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      'then',
      'toJSON',
      '',
      'a/b~c',
      '__defineGetter__',
      '$where',
      'length',
    ]) {
      const answer = await post(JSON.stringify({ [name]: { prototype: { admin: true } } }), path);
      expect([answer.status, answer.code]).toEqual([400, 'invalid_request']);
      const { errors } = JSON.parse(answer.text) as Problem;
      expect(errors?.map(({ pointer }) => pointer)).toContain(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    }
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test.each([
    ['arrays', '['.repeat(30_000) + ']'.repeat(30_000)],
    ['objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['a field of arrays', `{"email":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
  ])('nested without end: %s', async (_name, body) => {
    expect(await post(body, path)).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  test('as many members as 64 KiB hold are answered with few words', async () => {
    const body = fullBody();
    expect(Object.keys(JSON.parse(body)).length).toBeGreaterThan(8_000);
    const answer = await post(body, path);
    expect(answer).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(answer.text.length).toBeLessThan(16 * 1024);
  });

  test('64 KiB is taken in, a byte more is 413', async () => {
    const most = `{"${'a'.repeat(64 * 1024 - 6)}":1}`;
    expect(await post(most, path)).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(await post(`${most} `, path)).toMatchObject({ status: 413, code: 'payload_too_large' });
  });
});

test('a huge number is a number, and no text', async () => {
  for (const number of ['1e400', '-0', '9'.repeat(400), '1e-400']) {
    expect(await post(`{"email":${number},"password":${number}}`, '/v1/auth/login')).toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
  }
});

test('a body that says it is longer than it may be is refused before it is sent', async () => {
  const answer = await post('{}'.padEnd(200_000), '/v1/auth/login');
  expect([answer.status, answer.code]).toEqual([413, 'payload_too_large']);
});

test('none of all that made an account', async () => {
  expect(await database.query('SELECT FROM users')).toEqual([]);
});

test('strange but proper text is taken as it is', async () => {
  for (const name of [
    '𝒜da',
    'أدا',
    '👩‍👩‍👧',
    '<script>alert(1)</script>',
    "Robert'); DROP TABLE users;--",
    '{{7*7}}#{7*7}',
    '\u202eada',
    'a\\"b',
    'null',
    '__proto__',
    'e\u0301',
    '%00%0d%0a',
  ]) {
    // Composed, so that a name is found however it was typed.
    expect((await signUp(gatehouse, { email: freshEmail(), name })).user.name).toBe(name.normalize('NFC'));
  }
});
