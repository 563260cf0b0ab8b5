import type { z } from 'zod';

const UNITS: Record<string, [one: string, more: string]> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
};
const TYPES: Record<string, string> = { int: 'a whole number', object: 'an object', array: 'a list', string: 'text' };
const FORMATS: Record<string, string> = {
  datetime: 'Write a time with its zone, such as 2026-11-30T12:00:00Z.',
  uuid: 'Write an id, such as 0193b3c4-8d2a-7e61-9f0b-5a4c3d2e1f00.',
};

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
    case 'invalid_format':
      return FORMATS[issue.format];
    case 'too_big':
      return `At most ${amount(issue.maximum, issue.origin)}.`;
    case 'too_small':
      return `At least ${amount(issue.minimum, issue.origin)}.`;
    default:
      return undefined;
  }
}

function amount(count: number | bigint, of: string): string {
  const [one, more] = UNITS[of] ?? ['', ''];
  return `${count} ${Number(count) === 1 ? one : more}`.trimEnd();
}
