import type { OpenAPIObject } from '@nestjs/swagger';
import { PROBLEM_CODES } from './openapi.js';
import { PROBLEMS, type ProblemCode } from './problem.js';

interface Operation {
  security?: unknown[];
  parameters?: { in: string }[];
  responses: Record<string, unknown>;
  [PROBLEM_CODES]?: ProblemCode[];
}

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

/** Adds to every operation the errors that it can answer, grouped by status, each with its codes. */
export function completeErrors(document: OpenAPIObject): OpenAPIObject {
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA as never },
  };
  for (const path of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(path) as [string, Operation][]) addErrors(method, operation);
  }
  return document;
}

function addErrors(method: string, operation: Operation): void {
  // Said aloud, so that a route without a token is known to be meant so.
  operation.security ??= [];
  const codes = new Set<ProblemCode>([
    ...(operation[PROBLEM_CODES] ?? []),
    ...(operation.security.length > 0 ? OF_SIGNED_IN : []),
    ...(method === 'get' ? [] : OF_BODIES),
    ...OF_ALL,
  ]);
  delete operation[PROBLEM_CODES];
  for (const status of new Set([...codes].map((code) => PROBLEMS[code][0]))) {
    const ofStatus = [...codes].filter((code) => PROBLEMS[code][0] === status).sort();
    operation.responses[status] ??= errorResponse(status, ofStatus);
  }
}

function errorResponse(status: number, codes: ProblemCode[]) {
  const headers =
    status === 401
      ? header('WWW-Authenticate', 'string')
      : status === 503 || status === 429
        ? header('Retry-After', 'integer')
        : undefined;
  const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }] };
  const description = codes.map((code) => `\`${code}\`: ${PROBLEMS[code][2]}`).join('\n\n');
  return { description, ...(headers && { headers }), content: { 'application/problem+json': { schema } } };
}

function header(name: string, type: string) {
  return { [name]: { schema: { type } } };
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
