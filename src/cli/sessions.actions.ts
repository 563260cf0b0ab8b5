import type { INestApplicationContext } from '@nestjs/common';
import { SessionAdministration, type SessionSelection } from '../admin/session-administration.service.js';
import { UserAdministration } from '../admin/user-administration.service.js';
import { parseDuration } from '../platform/config/duration.js';
import { moment } from '../platform/http/moment.js';
import type { Moment } from '../sessions/mass-logout.service.js';
import { Sessions } from '../sessions/sessions.service.js';
import { operator, withApp } from './context.js';
import { CommandError, EXIT, print, sayAbsent } from './output.js';
import { findUser } from './users.actions.js';

interface RevokeOptions {
  session?: string;
  before?: string;
  role?: string;
  user?: string;
  all?: boolean;
  json?: boolean;
}

/** Ends the sessions of a user, one session, or those of many that were opened before a time. */
export async function revokeSessions(name: string | undefined, options: RevokeOptions): Promise<void> {
  const { session, before, role, user, all, json } = options;
  const selected = [role, user, all].filter((option) => option !== undefined).length;
  if (before !== undefined) {
    if (name !== undefined || session !== undefined || selected !== 1) {
      throw new CommandError('With --before, name one of --role <role>, --user <user> and --all.', EXIT.usage);
    }
    return revokeBefore(readMoment(before), options);
  }
  if (selected > 0) throw new CommandError('--role, --user and --all need --before <time>.', EXIT.usage);
  if ((name === undefined) === (session === undefined)) {
    throw new CommandError(
      'Name a user, or --session <id>, or --before <time> with --role, --user or --all.',
      EXIT.usage,
    );
  }
  const revoked = await withApp(async (app) => {
    if (name !== undefined) return app.get(UserAdministration).endSessions((await findUser(app, name)).id, operator());
    await app
      .get(Sessions)
      .end(session ?? '', null, { type: 'session.revoked', actor: operator() })
      .catch(sayAbsent(`No session ${session} is live.`));
    return 1;
  });
  print(json, { revoked }, [revoked === 1 ? 'Ended 1 session.' : `Ended ${revoked} sessions.`]);
}

async function revokeBefore(given: Moment, { role, user, json }: RevokeOptions): Promise<void> {
  const ended = await withApp(async (app) =>
    app
      .get(SessionAdministration)
      .revokeBefore(given, await selectionOf(app, role, user), operator())
      .catch(sayAbsent(`There is no ${role === undefined ? `user ${user}` : `role ${role}`}.`)),
  );
  const before = ended.toISOString();
  const whose = user ?? (role === undefined ? 'everybody' : `the users with the role ${role}`);
  print(json, { before }, [`Ended the sessions of ${whose} that were opened before ${before}.`]);
}

async function selectionOf(
  app: INestApplicationContext,
  role: string | undefined,
  user: string | undefined,
): Promise<SessionSelection> {
  return user === undefined ? { role } : { userId: (await findUser(app, user)).id };
}

function readMoment(text: string): Moment {
  const ago = parseDuration(text);
  if (ago !== null) return ago === 0 ? 'now' : { ago };
  const time = moment.safeParse(text);
  if (time.success) return { at: new Date(time.data) };
  throw new CommandError(
    'Write --before as a time such as 2026-11-30T12:00:00Z, or how long ago, such as 2h.',
    EXIT.usage,
  );
}
