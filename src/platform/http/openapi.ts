import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiExtension, ApiResponse } from '@nestjs/swagger';
import type { z } from 'zod';
import type { ProblemCode } from './problem.js';

/** The extension under which a route lists its error codes until the document is completed. */
export const PROBLEM_CODES = 'x-problem-codes';

/** The success answer of a route: its status, set too, and its body, if it has one. */
export function Answers(status: number, schema: z.ZodType | null, description = 'Done') {
  return applyDecorators(
    HttpCode(status),
    ApiResponse({ status, description, ...(schema && { standardSchema: schema as never }) }),
  );
}

/** The error codes of a route beyond those that its kind already has (no token, bad body, and so on). */
export function Fails(...codes: ProblemCode[]) {
  return ApiExtension(PROBLEM_CODES, codes);
}
