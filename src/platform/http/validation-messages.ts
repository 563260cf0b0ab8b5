import type { z } from 'zod';

const UNITS: Record<string, [one: string, more: string]> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
};
const TYPES: Record<string, string> = { int: 'a whole number', object: 'an object', array: 'a list', string: 'text' };

/**
 * Says what to do about a fault in the words of a person, where zod would name types and signs. For all schemas that say
 * nothing of their own; undefined leaves the word to zod.
 */
export function validationMessageOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'Required.' : `This must be ${TYPES[issue.expected] ?? issue.expected}.`;
    case 'invalid_value':
      return issue.input === undefined ? 'Required.' : `This must be ${issue.values.map(String).join(' or ')}.`;
    case 'too_big':
      return `At most ${amount(issue.maximum, issue.origin)}.`;
    case 'too_small':
      return `At least ${amount(issue.minimum, issue.origin)}.`;
    case 'invalid_format':
      return issue.format === 'datetime' ? 'Write a time such as 2026-11-30T12:00:00Z.' : undefined;
    default:
      return undefined;
  }
}

function amount(count: number | bigint, of: string): string {
  const [one, more] = UNITS[of] ?? ['', ''];
  return `${count} ${Number(count) === 1 ? one : more}`.trimEnd();
}
