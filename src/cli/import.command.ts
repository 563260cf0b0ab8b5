import { type Command, Option } from 'commander';
import { USER } from '../access/permissions.js';
import { loaded } from './loaded.js';

/** The command that takes users over from other software. */
export function addImportCommand(program: Command): void {
  program
    .command('users:import <file>')
    .description('take over users and their password hashes from NDJSON or CSV')
    .addOption(new Option('--format <format>', 'else told by the name of the file').choices(['ndjson', 'csv']))
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
  createdAt  passwordHash  passwordSalt (Firebase)

passwordHash is one of: bcrypt ($2a$, $2b$, $2y$), argon2 ($argon2id$…), scrypt ($scrypt$ln=…), Firebase with
--firebase, Django (pbkdf2_sha256$…), or the package password-hash (sha1$salt$iterations$hash).
The first sign-in replaces it by a hash of our own. Ends with 1 when a line was refused.`;
