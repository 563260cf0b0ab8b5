import { z } from 'zod';

/** The answer of a route that has nothing to give but a sentence for a person. */
export const messageView = z.strictObject({ message: z.string() }).meta({ id: 'Message' });

export type Message = z.infer<typeof messageView>;
