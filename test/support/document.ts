import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { setting } from './database.js';

/**
 * The document that the server of the run serves, held against what servers and tests say to each other: every request
 * that a test sends is checked here, and fails its test where the document says otherwise.
 */

export interface DocumentedResponse {
  description: string;
  headers?: Record<string, { $ref?: string; required?: boolean }>;
  content?: Record<string, { schema: Record<string, unknown> }>;
}

export interface DocumentedOperation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  security: Record<string, unknown>[];
  parameters?: { name: string; in: string; schema: unknown; example?: unknown }[];
  requestBody?: { required: boolean; content: Record<string, { schema: { $ref?: string }; example?: unknown }> };
  responses: Record<string, DocumentedResponse>;
}

export interface Document {
  openapi: string;
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, unknown>; headers: Record<string, { required: boolean }> };
}

/** One request, and what came back. */
export interface Exchange {
  method: string;
  path: string;
  sent?: unknown;
  status: number;
  headers: Headers;
  text: string;
}

const ID = 'https://gatehouse.test/openapi.json';
/** Headers that tell a client something: where one comes, the document says so. */
const TELLING = [
  'allow',
  'clear-site-data',
  'etag',
  'location',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'retry-after',
  'set-cookie',
  'www-authenticate',
  'x-request-id',
];

const read = once((): Document => JSON.parse(readFileSync(setting('TEST_OPENAPI_FILE'), 'utf8')));
const routes = once(() =>
  Object.entries(read().paths)
    // What is spelled out stands before what a parameter takes.
    .sort(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')))
    .map(([path, operations]) => ({
      path,
      operations,
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    })),
);
const ajv = once(() => {
  // That the document is one is for the linter: to check it here costs each test file more than all that it sends.
  const made = new Ajv2020({ strict: false, validateFormats: true, validateSchema: false });
  addFormats.default(made);
  return made.addSchema({ $id: ID, ...read() } as never);
});
const compiled = new Map<string, ValidateFunction>();

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** What an exchange does that the document does not say, in words; none where all is as it says. */
export function undocumented(exchange: Exchange): string[] {
  const { method, status } = exchange;
  const [path = '', query = ''] = exchange.path.split('?');
  if (method === 'OPTIONS') return [];
  const found = routes().find(({ pattern }) => pattern.test(path));
  const name = method === 'HEAD' ? 'get' : method.toLowerCase();
  const operation = found?.operations[name];
  if (!found || !operation) return status < 400 ? [] : faultsOfProblem(exchange);
  const response = operation.responses[status];
  if (!response) return [`answers ${status}`];
  const at = ['paths', found.path, name];
  const faults = [...headerFaults(exchange, response), ...bodyFaults(exchange, response, [...at, 'responses', status])];
  return status < 300 ? [...faults, ...requestFaults(exchange, operation, query, at)] : faults;
}

/** A refusal by no operation: of an address, a method, or a file. */
function faultsOfProblem({ headers, text }: Exchange): string[] {
  if (!headers.get('content-type')?.includes('json') || text === '') return [];
  return schemaFaults(['components', 'schemas', 'Problem'], JSON.parse(text));
}

function headerFaults({ headers }: Exchange, response: DocumentedResponse): string[] {
  const documented = new Map(Object.entries(response.headers ?? {}).map(([name, said]) => [name.toLowerCase(), said]));
  const unsaid = TELLING.filter((name) => headers.has(name) && !documented.has(name));
  const missing = [...documented].filter(([name, said]) => isRequired(said) && !headers.has(name));
  return [...unsaid.map((name) => `sends ${name}`), ...missing.map(([name]) => `lacks ${name}`)];
}

function isRequired({ $ref, required }: { $ref?: string; required?: boolean }): boolean {
  return $ref ? read().components.headers[$ref.split('/').at(-1) ?? '']?.required === true : required === true;
}

function bodyFaults(exchange: Exchange, response: DocumentedResponse, at: (string | number)[]): string[] {
  const { headers, text, method } = exchange;
  const type = headers.get('content-type')?.split(';')[0];
  if (!response.content) return text === '' ? [] : ['sends a body'];
  if (!type || !(type in response.content)) return [`sends ${type}`];
  if (!type.includes('json') || method === 'HEAD') return [];
  return schemaFaults([...at, 'content', type, 'schema'], JSON.parse(text));
}

/** What a server took is what the document lets be sent. */
function requestFaults({ sent }: Exchange, operation: DocumentedOperation, query: string, at: string[]): string[] {
  const names = (operation.parameters ?? []).filter((known) => known.in === 'query').map(({ name }) => name);
  const unknown = [...new URLSearchParams(query).keys()].filter((name) => !names.includes(name));
  const faults = unknown.map((name) => `takes the query parameter ${name}`);
  if (sent === undefined || sent === '') return operation.requestBody?.required ? [...faults, 'takes no body'] : faults;
  const body = typeof sent === 'string' ? JSON.parse(sent) : JSON.parse(JSON.stringify(sent));
  if (!operation.requestBody) return [...faults, 'takes a body'];
  return [...faults, ...schemaFaults([...at, 'requestBody', 'content', 'application/json', 'schema'], body)];
}

function schemaFaults(at: (string | number)[], value: unknown): string[] {
  const steps = at.map((step) => encodeURIComponent(String(step).replaceAll('~', '~0').replaceAll('/', '~1')));
  const pointer = steps.join('/');
  const validate = compiled.get(pointer) ?? ajv().compile({ $ref: `${ID}#/${pointer}` });
  compiled.set(pointer, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${at.at(-4)} ${instancePath} ${message}`);
}
