/** A schema of the document. */
export interface DocumentedSchema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  example?: unknown;
  examples?: unknown[];
  enum?: unknown[];
  default?: unknown;
  items?: DocumentedSchema;
  properties?: Record<string, DocumentedSchema>;
  required?: string[];
  anyOf?: DocumentedSchema[];
  oneOf?: DocumentedSchema[];
}

type Components = Record<string, DocumentedSchema>;

const START = '#/components/schemas/';

/** What stands for a text of a form that has no example of its own. */
const OF_FORMAT: Record<string, string> = {
  uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
  'date-time': '2026-01-01T00:00:00.000Z',
};

/** The parameters of a path by their names: whatever has an id is found by it. */
const OF_PARAMETER: Record<string, string> = { id: OF_FORMAT.uuid ?? '', name: 'support' };

/** A value that a path's parameter may have. */
export function exampleOfParameter(name: string): string | undefined {
  return OF_PARAMETER[name];
}

/** A value of a schema, put together from the examples of its fields; undefined where one that must be there has none. */
export function exampleOf(schema: DocumentedSchema, components: Components): unknown {
  const { $ref, anyOf, oneOf, items, properties } = schema;
  const own = schema.example ?? schema.examples?.[0] ?? schema.enum?.[0];
  if (own !== undefined) return own;
  if ($ref !== undefined) return exampleOf(components[$ref.slice(START.length)] ?? {}, components);
  const [alternative] = anyOf ?? oneOf ?? [];
  if (alternative) return exampleOf(alternative, components);
  if (properties) return ofObject(properties, schema.required ?? [], components);
  if (items) return ofList(exampleOf(items, components));
  return schema.default ?? (schema.type === 'boolean' ? true : OF_FORMAT[schema.format ?? '']);
}

function ofObject(properties: Components, required: string[], components: Components): unknown {
  const entries = Object.entries(properties)
    .map(([name, field]) => [name, exampleOf(field, components)] as const)
    .filter(([, value]) => value !== undefined);
  const known = Object.fromEntries(entries);
  return required.every((name) => name in known) ? known : undefined;
}

const ofList = (item: unknown) => (item === undefined ? undefined : [item]);
