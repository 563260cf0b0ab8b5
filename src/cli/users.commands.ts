import { type Command, InvalidArgumentError, Option } from 'commander';
import { USER } from '../access/permissions.js';
import { trimBlanks } from '../platform/common/trim-blanks.js';
import { loaded } from './loaded.js';

/** The commands about users, their roles and their sessions. */
export function addUserCommands(program: Command): void {
  program
    .command('users:create <email>')
    .description('make a user; without a password it is invited to choose one')
    .option('--username <username>', 'another name to sign in with')
    .option('--name <name>', 'how the person is called')
    .option('--role <role...>', 'roles to give', [USER])
    .option('--password-stdin', 'read the password from standard input, so that no list of processes shows it')
    .option('--generate-password', 'make a password and print it this once')
    .option('--json', 'print JSON')
    .action(loaded(async () => (await import('./users.actions.js')).createUser));
  program
    .command('users:list')
    .description('list users, newest first')
    .option('--query <text>', 'a part of email, username or name', trimBlanks)
    .option('--role <role>', 'who has this role', trimBlanks)
    .addOption(new Option('--status <status>', 'who has this status').choices(['active', 'disabled']))
    .option('--limit <n>', 'how many at most', wholeNumber, 100)
    .option('--json', 'print JSON')
    .action(loaded(async () => (await import('./users.actions.js')).listUsers));
  program
    .command('roles:grant <user> <roles...>')
    .description('give roles to a user, named by email, username or id, beside those there are')
    .option('--json', 'print JSON')
    .action(loaded(async () => (await import('./users.actions.js')).grantRoles));
  program
    .command('sessions:revoke [user]')
    .description(
      'end every session of a user, named by email, username or id, or one session, or those of many opened before a time',
    )
    .option('--session <id>', 'end this session alone')
    .option(
      '--before <time>',
      'end those opened before this time (2026-11-30T12:00:00Z) or so long ago (2h); 0s is now',
    )
    .option('--role <role>', 'with --before: of the users who have this role', trimBlanks)
    .option('--user <user>', 'with --before: of this user')
    .option('--all', 'with --before: of everybody')
    .option('--json', 'print JSON')
    .action(loaded(async () => (await import('./sessions.actions.js')).revokeSessions));
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Write a whole number above 0.');
  return Number(text);
}
