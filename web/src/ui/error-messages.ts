import { GatehouseProblem } from '../gatehouse.js';

/** The field that an error belongs to, for codes with which the server names none. */
const FIELDS_BY_CODE: Record<string, string[]> = {
  email_taken: ['email'],
  username_taken: ['username'],
  wrong_password: ['currentPassword', 'password'],
};

/** A fault of one field that the page itself has found. */
export class FieldError extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/** The message for each field of a form; empty if the error concerns none of them. */
export function fieldErrors(error: unknown, has: (name: string) => boolean): Record<string, string> {
  if (error instanceof FieldError) return { [error.field]: error.message };
  if (!(error instanceof GatehouseProblem)) return {};
  const named = Object.entries(error.fields).filter(([name]) => has(name));
  if (named.length > 0) return Object.fromEntries(named);
  const field = FIELDS_BY_CODE[error.code]?.find(has);
  return field ? { [field]: error.message } : {};
}

/** The message of anything thrown. Errors of fields that the form does not have are joined into it. */
export function errorMessage(error: unknown): string {
  if (error instanceof GatehouseProblem) return Object.values(error.fields).join(' ') || error.message;
  return error instanceof Error ? error.message : String(error);
}
