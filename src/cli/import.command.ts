import { type Command, Option } from 'commander';
import { USER } from '../access/permissions.js';
import { loaded } from './loaded.js';

/** Those of VENDORS, which a command that is only explained does not load. */
const SOFTWARE = [
  'aspnet',
  'auth0',
  'better-auth',
  'clerk',
  'cognito',
  'devise',
  'django',
  'firebase',
  'keycloak',
  'laravel',
  'supabase',
  'wordpress',
];

/** The command that takes users over from other software. */
export function addImportCommand(program: Command): void {
  program
    .command('users:import [file]')
    .description(
      'take over users and their password hashes from NDJSON, JSON or CSV, or the raw export of other software',
    )
    .addOption(new Option('--format <format>', 'else told by the name of the file').choices(['ndjson', 'csv', 'json']))
    .addOption(new Option('--from <name>', 'the file is the raw export of this software').choices(SOFTWARE))
    .option('--file <file>', 'another way to name the file; - is standard input')
    .option('--accounts <file>', 'the second file of an export: password hashes of Auth0, accounts of better-auth')
    .option('--pepper <file>', 'a file with the pepper of Devise')
    .option('--dry-run', 'check every line and keep nothing')
    .option('--report <file>', 'write each refused line to this file, as NDJSON with its reason')
    .option('--role <role...>', 'roles of users whose line names none', [USER])
    .option('--firebase <file>', "the project's hash parameters as JSON: base64_signer_key, base64_salt_separator, …")
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(loaded(async () => (await import('./import.action.js')).importUsers));
}

const HELP = `
Fields of a line, or columns of the CSV's first line (all but email may be absent):
  email  username  name  roles (a list, or separated by ;)  emailVerified  status (active, disabled)
  createdAt  lastLoginAt  passwordHash  passwordSalt (Firebase)

passwordHash is one of: bcrypt ($2a$, $2b$, $2y$, $wp$2y$, $bcrypt-sha256$), argon2 ($argon2id$…), scrypt ($scrypt$ln=…,
scrypt:32768:8:1$…, scrypt$16384$…, better-auth), PBKDF2 ($pbkdf2-sha256$…, pbkdf2:sha256:…, pbkdf2_sha256$…), phpass ($P$),
LDAP ({SSHA}), Firebase with --firebase, or the package password-hash (sha1$salt$iterations$hash).
The first sign-in replaces it by a hash of our own. docs/import.md has a section for each software of --from. Ends with 1
when a line was refused.`;
