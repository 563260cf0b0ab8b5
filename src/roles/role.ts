import { z } from 'zod';
import { PERMISSION_FORM } from '../access/permissions.js';
import { typedText } from '../platform/common/typed-text.js';
import { pageOf } from '../platform/http/page.js';

export const roleName = typedText
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, { message: 'Use 1 to 64 of a to z, digits, _ and -, beginning with a letter.' })
  // Of the text as it is sent, around which there may be blanks.
  .meta({ examples: ['support'], pattern: '[a-z][a-z0-9_-]{0,63}' });

const permission = z
  .string()
  .regex(PERMISSION_FORM, { message: 'Write an area and what may be done there, such as posts:write.' })
  .meta({ examples: ['users:read', 'posts:write'] });

const description = z
  .string()
  .max(500)
  .regex(/^\P{Cc}*$/u, { message: 'Write a description without control characters.' })
  .meta({ description: 'Without control characters', examples: ['Answers what people ask'] });

/** What is written into a role. */
export const roleForm = z
  .strictObject({
    description: description.nullable().optional(),
    permissions: z
      .array(permission)
      .max(256)
      .meta({ description: 'All of them: those that are not named are taken away' }),
  })
  .meta({ id: 'RoleForm' });

/** A role as the API shows one. */
export const roleView = z
  .strictObject({ name: z.string(), description: z.string().nullable(), permissions: z.array(z.string()) })
  .meta({ id: 'Role', description: 'The role `admin` holds every permission, also those that are not listed' });

export const rolePage = pageOf(roleView, 'RolePage');

export type RoleForm = z.infer<typeof roleForm>;
export type RoleView = z.infer<typeof roleView>;
