import type { FirstAdminCredentials } from './users/first-admin.js';

interface Start {
  url: string;
  firstAdmin: FirstAdminCredentials | null;
  warnings: string[];
}

/** What a person needs to know at the start, once. */
export function banner({ url, firstAdmin, warnings }: Start): string {
  const lines = ['', `  Gatehouse serves on ${url}`, `  Docs:  ${url}/docs`, ''];
  if (firstAdmin) lines.push(adminNotice(firstAdmin), '');
  lines.push('  Try it:', `    curl -s ${url}/v1/auth/register -H 'content-type: application/json' \\`);
  lines.push(`      -d '{"email":"ada@example.com","password":"correct horse battery"}'`, '');
  return [...lines, ...warnings.flatMap((warning) => [`  Note: ${warning}`, ''])].join('\n');
}

/** Who the first admin is. The password stands nowhere else. */
export function adminNotice({ email, password }: FirstAdminCredentials): string {
  if (password === undefined) return `  The first admin: ${email}, with BOOTSTRAP_ADMIN_PASSWORD`;
  return `  The first admin, shown this once:\n    ${email} / ${password}`;
}
