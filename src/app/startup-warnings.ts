import type { FirstAdminCredentials } from '../admin/first-admin.js';
import { namesNoProxy, trustsTooMany } from '../health/doctor.js';
import type { Config } from '../platform/config/config.js';
import { plainOnNetwork } from '../platform/config/exposure.js';

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

/**
 * What works, but not as a deployment should. Nothing of it stops the start: TLS may end in front of us, and the limits may
 * be kept there too. `npm run cli -- doctor` looks closer.
 */
export function warningsOf({
  production,
  databaseUrl,
  publicUrl,
  rateLimits,
  trustedProxies,
  mail,
}: Pick<Config, 'production' | 'databaseUrl' | 'publicUrl' | 'rateLimits' | 'trustedProxies' | 'mail'>): string[] {
  const warnings: string[] = [];
  const plain = plainOnNetwork(publicUrl);
  const ofProxies = trustsTooMany(trustedProxies) ?? namesNoProxy(publicUrl, trustedProxies);
  if (ofProxies !== null) warnings.push(ofProxies);
  if (production && !databaseUrl)
    warnings.push('DATABASE_URL is not set: the embedded Postgres serves a single machine.');
  if (production && mail.delivery === 'smtp' && new URL(publicUrl).hostname === 'localhost')
    warnings.push(
      `PUBLIC_URL must be set to the address that people use: the links in mails lead to ${publicUrl}, which is nowhere for them.`,
    );
  else if (plain !== null) warnings.push(plain);
  else if (production && !publicUrl.startsWith('https:'))
    warnings.push(
      'PUBLIC_URL is not https: tokens must not travel in the clear. Put TLS in front and set its address.',
    );
  if (production && !rateLimits) warnings.push('RATE_LIMITS is off: passwords can be guessed without end.');
  if (mail.delivery === 'none')
    warnings.push('SMTP_URL is not set: no mail can be sent, and the routes that need it answer 503.');
  return warnings;
}
