import { type ArgumentMetadata, StandardSchemaValidationPipe } from '@nestjs/common';
import { z } from 'zod';
import { type FieldFault, Problem, toPointer } from './problem.js';
import { validationMessageOf } from './validation-messages.js';

z.config({ customError: validationMessageOf });

/** Faults that an answer names at most: a body of 64 KiB can have ten thousand. */
const NAMED_FAULTS = 20;

type Options = NonNullable<ConstructorParameters<typeof StandardSchemaValidationPipe>[0]>;
type Issues = Parameters<NonNullable<Options['exceptionFactory']>>[0];

/** Checks a body or query against the schema of its parameter. Throws a Problem `invalid_request` with every fault. */
export class SchemaPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: toProblem });
  }

  /** Where there must be a body and none came, the fields that it lacks are named. */
  override transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    const validated = super.transform(value, metadata);
    if (value !== undefined || metadata.type !== 'body') return validated;
    return validated.catch(async (error) => {
      await super.transform({}, metadata);
      throw error;
    });
  }

  /** Nest would take `constructor` and `prototype` away before the schema can refuse them as unknown. */
  protected override stripProtoKeys(): void {}
}

/** What a schema finds fault with, as a Problem. */
export function toProblem(issues: Issues): Problem {
  return new Problem('invalid_request', { errors: issues.flatMap(toFaults).slice(0, NAMED_FAULTS) });
}

function toFaults(issue: Issues[number]): FieldFault[] {
  const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step));
  const { keys } = issue as { keys?: string[] };
  if (!keys) return [{ pointer: toPointer(path), detail: issue.message }];
  return keys.map((key) => ({ pointer: toPointer([...path, key]), detail: 'Unknown field.' }));
}
