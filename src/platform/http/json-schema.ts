import { z } from 'zod';

type Schema = z.core.JSONSchema.JSONSchema;

/** Metadata of an object's schema: exactly one of these optional fields must come. What checks it is a refinement beside. */
export const EXACTLY_ONE = 'x-exactly-one';

/**
 * What RE2, Java, PCRE, Python and ECMAScript without a flag do not read alike: look-around, classes of Unicode, and those
 * that are of ASCII in one engine and of Unicode in another.
 */
const NOT_PORTABLE = /\\[pPsSwWdDbBuk1-9]|\(\?(?!:)/;

/** Whether every common engine reads a pattern, and reads the same. */
function isPortable(pattern: string): boolean {
  return !NOT_PORTABLE.test(pattern);
}

/** zod's own JSON Schema (2020-12, the dialect of OpenAPI 3.1); schemas with an id become components. */
export function toJsonSchema(schema: unknown, { schemaType }: { schemaType: 'input' | 'output' }) {
  if (!(schema instanceof z.ZodType)) return undefined;
  const { $defs = {}, ...body } = z.toJSONSchema(schema, {
    io: schemaType,
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => simplify(jsonSchema),
  });
  const components = Object.fromEntries(
    Object.entries({ ...$defs, ...(body.id && { [body.id]: body }) }).map(withoutMarks),
  );
  return { schema: body.id ? { $ref: `#/components/schemas/${body.id}` } : withoutMarks(['', body])[1], components };
}

/** Takes away what only zod's output needs: the dialect, and the id that has become the component's name. */
function withoutMarks([name, { $schema: _dialect, id: _id, ...schema }]: [string, Schema]) {
  return [name, schema] as const;
}

/**
 * Says the same in what generators of clients can read. The server goes on checking by its own schema: a pattern that is
 * left out stands in words in the description.
 */
function simplify(schema: Schema): void {
  const { format, pattern, type } = schema;
  // A format's own pattern says more than anybody else can check, and nothing that a client needs.
  if (pattern !== undefined && (format !== undefined || !isPortable(pattern))) delete schema.pattern;
  if (type === 'integer') {
    schema.format = 'int64';
    if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
    if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  }
  // The names of an object's members are texts anyway.
  if (Object.keys((schema.propertyNames ?? {}) as object).join() === 'type') delete schema.propertyNames;
  splitAlternatives(schema);
}

/** An object of which exactly one field of several must come is one of several objects. */
function splitAlternatives(schema: Schema): void {
  const { [EXACTLY_ONE]: names, type, properties = {}, required = [], additionalProperties } = schema;
  if (!Array.isArray(names)) return;
  schema.oneOf = names.map((name: string) => ({
    title: `${schema.id}With${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    type,
    properties: Object.fromEntries(Object.entries(properties).filter(([key]) => key === name || !names.includes(key))),
    required: [name, ...required],
    additionalProperties,
  })) as Schema[];
  for (const key of [EXACTLY_ONE, 'type', 'properties', 'required', 'additionalProperties']) delete schema[key];
}
