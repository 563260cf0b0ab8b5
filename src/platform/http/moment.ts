import { z } from 'zod';

/** A moment in a body or query. The calendar of Postgres has no year 0. */
export const moment = z.iso
  .datetime({ offset: true, abort: true })
  .refine((text) => new Date(text).getUTCFullYear() > 0, { message: 'Write a time after the year 0.' });
