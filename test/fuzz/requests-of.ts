import fc, { type Arbitrary } from 'fast-check';
import { brokenBody, contentType, hostileString, hostileValue, WORST } from './hostile.js';

/** What is used here of a JSON Schema. */
interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  format?: string;
  examples?: unknown[];
  minimum?: number;
  maximum?: number;
}

export interface Operation {
  operationId: string;
  parameters?: { name: string; in: string; schema?: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, unknown>;
  security?: unknown[];
}

export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** Who sends a request: nobody, somebody with a good token, or somebody with a bad one. */
type Sender = { kind: 'nobody' } | { kind: 'user' } | { kind: 'admin' } | { kind: 'forger'; authorization: string };

export interface FuzzedRequest {
  method: string;
  path: string;
  sender: Sender;
  headers: Record<string, string>;
  body: Buffer | undefined;
}

/** What stands in every secret that is sent, and must stand in no answer and no log. */
export const MARK = 'SeCrEt-MaRk';
const SECRETS = new Set([
  'password',
  'currentPassword',
  'newPassword',
  'refreshToken',
  'token',
  'mfaToken',
  'code',
  'recoveryCode',
]);

/** Requests to an operation, made from what the document says of it: good ones, nearly good ones and bad ones. */
export function requestsOf(
  document: Document,
  path: string,
  method: string,
  operation: Operation,
): Arbitrary<FuzzedRequest> {
  const values = new Values(document);
  const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
  const inQuery = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  return fc
    .record({
      segments: fc.tuple(...inPath.map(({ schema: form }) => either(4, values.of(form ?? {}), hostileString))),
      query: fc.tuple(...inQuery.map(({ schema: form }) => fc.option(either(2, values.of(form ?? {}), hostileString)))),
      stray: fc.option(fc.tuple(hostileString, hostileString), { freq: 12 }),
      sender,
      headers: strangeHeaders,
      type: contentType,
      body: bodies(schema, values),
    })
    .map(({ segments, query, stray, type, body, ...rest }) => {
      const named = inPath.reduce(
        (all, { name }, index) => all.replace(`{${name}}`, () => encode(String(segments[index]))),
        path,
      );
      const pairs = inQuery.flatMap(({ name }, index) =>
        query[index] === null ? [] : [`${name}=${encode(String(query[index]))}`],
      );
      if (stray) pairs.push(`${encode(stray[0])}=${encode(stray[1])}`);
      const headers = body === undefined ? rest.headers : { ...rest.headers, 'content-type': type };
      return {
        ...rest,
        method: method.toUpperCase(),
        path: pairs.length > 0 ? `${named}?${pairs.join('&')}` : named,
        headers,
        body,
      };
    });
}

/** Requests with nothing but what is required and one part that is as bad as can be: each field, each parameter in turn. */
export function sweepOf(document: Document, path: string, method: string, operation: Operation): FuzzedRequest[] {
  const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const named = schema && (document.components.schemas[schema.$ref?.split('/').at(-1) ?? ''] ?? schema);
  // Of several forms the first stands for all; what belongs to the others is too much in it.
  const form = named?.oneOf ? { ...named.oneOf[0], properties: propertiesOf(named) } : named;
  const required = Object.entries(form?.properties ?? {}).filter(([name]) => form?.required?.includes(name));
  const [base] = fc.sample(new Values(document).of({ ...form, properties: Object.fromEntries(required) }), {
    numRuns: 1,
    seed: 1,
  });
  const request = (at: string, body?: object): FuzzedRequest => ({
    method: method.toUpperCase(),
    path: at.replaceAll(/\{\w+\}/g, '00000000-0000-7000-8000-000000000000'),
    sender: { kind: 'admin' },
    headers: body ? { 'content-type': 'application/json' } : {},
    body: body && Buffer.from(JSON.stringify(body)),
  });
  const sound = form && (base as object);
  return WORST.flatMap((bad) => [
    ...Object.keys(form?.properties ?? {}).map((name) => request(path, { ...sound, [name]: bad })),
    ...(operation.parameters ?? []).map(({ name, in: place }) =>
      request(place === 'path' ? path.replace(`{${name}}`, encode(bad)) : `${path}?${name}=${encode(bad)}`, sound),
    ),
  ]);
}

function propertiesOf({ oneOf = [] }: Schema): Record<string, Schema> {
  return Object.assign({}, ...oneOf.map(({ properties }) => properties));
}

function either<T, U>(weight: number, good: Arbitrary<T>, bad: Arbitrary<U>): Arbitrary<T | U> {
  return fc.oneof({ weight, arbitrary: good }, { weight: 1, arbitrary: bad }) as Arbitrary<T | U>;
}

/** Percent-encoded; what has no encoding stands as it is where a request line can hold it. */
function encode(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return '%ED%A0%80';
  }
}

const sender: Arbitrary<Sender> = fc.oneof(
  fc.constantFrom<Sender>({ kind: 'nobody' }, { kind: 'user' }, { kind: 'user' }, { kind: 'admin' }, { kind: 'admin' }),
  fc
    .constantFrom(
      'Bearer ',
      'bearer  ',
      'Basic ',
      '',
      'Bearer\t',
      'Bearer eyJhbGciOiJub25lIn0.e30.',
      `Bearer ${'a.'.repeat(3_000)}`,
    )
    .map((start): Sender => ({ kind: 'forger', authorization: `${start}${MARK}` })),
);

const strangeHeaders: Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Record<string, string>>(
      { 'x-token-delivery': 'cookie' },
      { 'x-token-delivery': 'x' },
      { cookie: `gatehouse_refresh=${MARK}; __Host-gatehouse_refresh=${MARK}` },
      { cookie: `__Host-gatehouse_refresh=${MARK}; __Host-gatehouse_refresh=${MARK}` },
      { cookie: ';;;=;' },
      { origin: 'null' },
      { 'x-forwarded-for': "'; --, unknown, ::ffff:1.2.3.4%eth0" },
      { 'x-request-id': 'a'.repeat(500) },
      { 'x-http-method-override': 'DELETE' },
      { accept: 'text/html', 'accept-encoding': 'zstd;q=x' },
      { 'content-encoding': 'gzip' },
      { 'user-agent': 'ü'.repeat(400) },
      { 'if-none-match': '*', range: 'bytes=9-1' },
      { expect: '100-continue' },
    ),
  },
);

function bodies(schema: Schema | undefined, values: Values): Arbitrary<Buffer | undefined> {
  if (!schema) return fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: brokenBody });
  const sound = values.of(schema);
  const spoilt = fc
    .tuple(sound, hostileString, hostileValue, fc.nat())
    .map(([value, name, bad, at]) => spoil(value, name, bad, at));
  const text = fc.oneof(
    { weight: 5, arbitrary: sound },
    { weight: 5, arbitrary: spoilt },
    { weight: 1, arbitrary: hostileValue },
  );
  return fc.oneof(
    { weight: 6, arbitrary: text.map((value) => Buffer.from(JSON.stringify(value) ?? '')) },
    { weight: 1, arbitrary: brokenBody },
  );
}

/** Replaces one member of an object by something bad, or adds one. A secret keeps its mark. */
function spoil(value: unknown, name: string, bad: unknown, at: number): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad;
  const names = Object.keys(value);
  const chosen = at % 4 === 0 ? name : (names[at % Math.max(names.length, 1)] ?? name);
  const marked = SECRETS.has(chosen) && typeof bad === 'string' ? MARK + bad : bad;
  return Object.fromEntries([...Object.entries(value), [chosen, marked]]);
}

/** Values that satisfy a schema, as far as it says. */
class Values {
  constructor(private readonly document: Document) {}

  of(schema: Schema): Arbitrary<unknown> {
    if (schema.$ref) return this.of(this.document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return fc.oneof(...choices.map((choice) => this.of(choice)));
    if (schema.properties) return this.object(schema);
    switch (schema.type) {
      case 'array':
        return fc.array(this.of(schema.items ?? {}), { maxLength: 3 });
      case 'integer':
      case 'number':
        return fc.integer({ min: Math.max(schema.minimum ?? -5, -1e9), max: Math.min(schema.maximum ?? 200, 1e9) });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'string':
        return text(schema);
      default:
        return hostileValue;
    }
  }

  private object({ properties = {}, required = [] }: Schema): Arbitrary<unknown> {
    const members = Object.entries(properties).map(([name, form]) => {
      const value = SECRETS.has(name)
        ? fc.constantFrom(`${MARK} of a person`, `grt_${MARK}`, MARK)
        : either(2, this.of(form), hostileString);
      return [name, value] as const;
    });
    return fc.record(Object.fromEntries(members), { requiredKeys: required });
  }
}

function text({ format, examples = [] }: Schema): Arbitrary<string> {
  if (format === 'uuid') return fc.uuid();
  if (format === 'email') return fc.emailAddress();
  if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  const made = fc.stringMatching(/^[a-z]{4,12}$/);
  const email = made.map((name) => `${name}@example.com`);
  return fc.oneof(made, email, ...(examples.length > 0 ? [fc.constantFrom(...examples.map(String))] : []));
}
