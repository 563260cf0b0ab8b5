import type { FirstAdminCredentials } from './users/first-admin.js';

interface Start {
  url: string;
  firstAdmin: FirstAdminCredentials | null;
  warnings: string[];
}

/** What a person needs to know at the start, once. The password of a first admin stands nowhere else. */
export function banner({ url, firstAdmin, warnings }: Start): string {
  const lines = ['', `  Gatehouse serves on ${url}`, `  Docs:  ${url}/docs`, ''];
  if (firstAdmin?.password) {
    lines.push('  The first admin, shown this once:', `    ${firstAdmin.email} / ${firstAdmin.password}`, '');
  } else if (firstAdmin) {
    lines.push(`  The first admin: ${firstAdmin.email}, with BOOTSTRAP_ADMIN_PASSWORD`, '');
  }
  lines.push('  Try it:', `    curl -s ${url}/v1/auth/register -H 'content-type: application/json' \\`);
  lines.push(`      -d '{"email":"ada@example.com","password":"correct horse battery"}'`, '');
  return [...lines, ...warnings.flatMap((warning) => [`  Note: ${warning}`, ''])].join('\n');
}
