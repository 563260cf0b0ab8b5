import type { OpenAPIObject } from '@nestjs/swagger';
import { type CookieUse, LIMIT_NAME, PROBLEM_CODES, REFRESH_COOKIE } from './openapi.js';
import { type DocumentedSchema, exampleOf, exampleOfParameter } from './openapi-examples.js';
import { addHeaders, type DocumentedResponse, HEADERS } from './openapi-headers.js';
import { PROBLEMS, type ProblemCode } from './problem.js';

interface Operation {
  security?: Record<string, unknown>[];
  parameters?: { name: string; in: string; example?: unknown }[];
  requestBody?: { content: Record<string, { schema: DocumentedSchema; example?: unknown }> };
  responses: Record<string, DocumentedResponse>;
  [PROBLEM_CODES]?: ProblemCode[];
  [REFRESH_COOKIE]?: CookieUse;
  [LIMIT_NAME]?: string;
}

/** The name of the scheme by which the document calls the cookie with the refresh token. */
export const COOKIE_SCHEME = 'refreshCookie';

/** What every route that takes a token can answer. */
const OF_SIGNED_IN: ProblemCode[] = [
  'unauthorized',
  'invalid_token',
  'token_expired',
  'token_stale',
  'session_revoked',
];
/** What every route can answer whose method may have a body (RFC 9110, 9.3.1), whether it takes one or not. */
const OF_BODIES: ProblemCode[] = ['malformed_json', 'payload_too_large', 'unsupported_media_type'];
/** What every route can answer. */
const OF_ALL: ProblemCode[] = ['invalid_request', 'rate_limited', 'internal_error', 'database_unavailable'];

/** Adds to every operation what its kind says of it: its errors with their codes, its headers, the cookie, and examples. */
export function completeDocument(document: OpenAPIObject): OpenAPIObject {
  const schemas = { ...document.components?.schemas, Problem: PROBLEM_SCHEMA };
  document.components = { ...document.components, schemas: schemas as never, headers: HEADERS as never };
  for (const path of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(path) as [string, Operation][]) {
      describePages(operation);
      addErrors(method, operation);
      addCookie(operation);
      addHeaders(operation);
      addExamples(operation, schemas as Record<string, DocumentedSchema>);
    }
  }
  return document;
}

/** Where a route answers with a page too, only its JSON is of the schema. */
function describePages({ responses }: Operation): void {
  for (const { content } of Object.values(responses))
    if (content?.['text/html']) content['text/html'] = { schema: { type: 'string' } };
}

function addErrors(method: string, operation: Operation): void {
  // Said aloud, so that a route without a token is known to be meant so.
  operation.security ??= [];
  const codes = new Set<ProblemCode>([
    ...(operation[PROBLEM_CODES] ?? []),
    ...(operation.security.length > 0 ? OF_SIGNED_IN : []),
    ...(operation[REFRESH_COOKIE] ? (['cross_site_request'] as const) : []),
    ...(method === 'get' ? [] : OF_BODIES),
    ...OF_ALL,
  ]);
  delete operation[PROBLEM_CODES];
  for (const status of new Set([...codes].map((code) => PROBLEMS[code][0]))) {
    const ofStatus = [...codes].filter((code) => PROBLEMS[code][0] === status).sort();
    operation.responses[status] = withProblem(operation.responses[status], errorResponse(ofStatus));
  }
}

/** A status may have an answer of the route's own besides: what is down, of a probe. */
function withProblem(own: DocumentedResponse | undefined, problem: DocumentedResponse): DocumentedResponse {
  if (own === undefined) return problem;
  const description = `${own.description}\n\n${problem.description}`;
  return { ...own, description, content: { ...own.content, ...problem.content } };
}

function errorResponse(codes: ProblemCode[]): DocumentedResponse {
  const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }] };
  const description = codes.map((code) => `\`${code}\`: ${PROBLEMS[code][2]}`).join('\n\n');
  return { description, content: { 'application/problem+json': { schema } } };
}

/** The cookie stands for a token where a route reads it; it may also come in the body, or not at all. */
function addCookie(operation: Operation): void {
  const use = operation[REFRESH_COOKIE];
  if (use === undefined || use === 'delivers') return;
  const others = (operation.security ?? []).filter((scheme) => Object.keys(scheme).length > 0);
  operation.security = [...others, { [COOKIE_SCHEME]: [] }, {}];
}

function addExamples({ parameters = [], requestBody }: Operation, schemas: Record<string, DocumentedSchema>): void {
  for (const parameter of parameters)
    if (parameter.in === 'path') parameter.example = exampleOfParameter(parameter.name);
  for (const body of Object.values(requestBody?.content ?? {})) body.example ??= exampleOf(body.schema, schemas);
}

const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'What went wrong (RFC 9457)',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What to do next' },
    code: { type: 'string', enum: Object.keys(PROBLEMS), description: 'Stable; decide by this one' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { type: 'string', description: 'RFC 6901' }, detail: { type: 'string' } },
      },
    },
  },
};
