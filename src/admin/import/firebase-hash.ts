import { z } from 'zod';

/** The hash parameters of a Firebase project, spelled as its console shows them. */
export const firebaseHashing = z.object({
  algorithm: z.literal('SCRYPT').optional(),
  base64_signer_key: z.base64().min(1),
  base64_salt_separator: z.base64().default(''),
  rounds: z.int().min(1).max(16),
  mem_cost: z.int().min(1).max(16),
});

export type FirebaseHashing = z.infer<typeof firebaseHashing>;

/** The hash and salt of a Firebase export as one text that holds all it takes to check a password. */
export function firebaseHash(hash: string, salt: string, options: FirebaseHashing): string {
  const { base64_signer_key: key, base64_salt_separator: separator, rounds, mem_cost: memory } = options;
  return `$fbscrypt$v=1,n=${memory},r=${rounds},p=1,ss=${separator},sk=${key}$${plain(salt)}$${plain(hash)}`;
}

/** Firebase writes base64 with the letters of URLs. */
function plain(base64: string): string {
  return base64.replaceAll('-', '+').replaceAll('_', '/');
}
