import { GatehouseProblem } from '../gatehouse.js';

/** The field that a refusal is about where the server names none. */
const ABOUT: Record<string, string[]> = {
  email_taken: ['email'],
  username_taken: ['username'],
  wrong_password: ['currentPassword', 'password'],
};

/** What is wrong with each field that a form has, in the server's words; nothing where the refusal is about none of them. */
export function fieldsOf(error: unknown, has: (name: string) => boolean): Record<string, string> {
  if (!(error instanceof GatehouseProblem)) return {};
  const named = Object.entries(error.fields).filter(([name]) => has(name));
  if (named.length > 0) return Object.fromEntries(named);
  const about = ABOUT[error.code]?.find(has);
  return about ? { [about]: error.message } : {};
}

/** What to say of something that was thrown. A field that this form does not have is named in the sentence. */
export function messageOf(error: unknown): string {
  if (error instanceof GatehouseProblem) return Object.values(error.fields).join(' ') || error.message;
  return error instanceof Error ? error.message : String(error);
}
