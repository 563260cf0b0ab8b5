import { FirstAdminError } from '../admin/first-admin-error.js';
import { ConfigError } from '../platform/config/config.js';
import { EmbeddedPostgresError } from '../platform/database/embedded/embedded-postgres-error.js';
import { ChannelError } from '../platform/database/feed/bell.js';
import { StandbyError } from '../platform/database/feed/change-cursor.js';
import { ClockError } from '../platform/database/feed/clock-watch.js';
import { NoPulseError } from '../platform/database/feed/database-feed.js';
import { SchemaError } from '../platform/database/schema.js';
import { WrongAppSecretError } from '../tokens/wrong-app-secret-error.js';
import { DirectUrlError } from './direct-url-error.js';
import { ListenError } from './listen-error.js';
import { explainFailure } from './startup-errors.js';
import { TwoDatabasesError } from './two-databases.js';

const system = (members: object) => Object.assign(new Error('what the system says'), members);

test('what else was attempted is named as it is told', () => {
  expect(explainFailure(new Error('a flaw'), 'The command failed').message).toBe('The command failed: a flaw');
});

test.each<[string, unknown, number, RegExp]>([
  ['bad settings', new ConfigError(['PORT must be a number.']), 78, /PORT must be a number/],
  ['another APP_SECRET', new WrongAppSecretError(), 78, /former APP_SECRET/],
  ['a first admin that cannot be', new FirstAdminError('BOOTSTRAP_ADMIN_PASSWORD cannot be used.'), 78, /BOOTSTRAP/],
  ['an embedded Postgres that does not start', new EmbeddedPostgresError('The disk is full.'), 69, /disk/],
  [
    'a taken port',
    new ListenError('localhost', 3000, system({ code: 'EADDRINUSE' })),
    69,
    /Port 3000 is taken.*set PORT/,
  ],
  [
    'an address of another machine',
    new ListenError('10.0.0.1', 80, system({ code: 'EADDRNOTAVAIL' })),
    78,
    /10\.0\.0\.1:80/,
  ],
  ['a port for root', new ListenError('0.0.0.0', 80, system({ code: 'EACCES' })), 78, /HOST and PORT/],
  ['a host that is none', new ListenError('nope.invalid', 80, system({ code: 'ENOTFOUND' })), 78, /HOST and PORT/],
  ['a folder of somebody else', system({ code: 'EACCES', path: '/data' }), 78, /\/data belongs to another user/],
  ['a wrong password', system({ code: '28P01' }), 78, /DATABASE_URL/],
  ['no such database', system({ code: '3D000' }), 78, /does not exist/],
  ['no right to make tables', system({ code: '42501' }), 78, /right/],
  ['no right to connect', system({ code: '42501', severity: 'FATAL' }), 78, /GRANT CONNECT ON DATABASE/],
  [
    'a pooler that refuses a parameter',
    Object.assign(new Error('unsupported startup parameter: options'), { code: '08P01' }),
    78,
    /pooler.*refuses the parameter options.*Leave it out/,
  ],
  [
    'a database that the pooler has not',
    Object.assign(new Error('no such database: auth'), { code: '08P01' }),
    78,
    /pooler.*no database of that name/,
  ],
  [
    'a wrong password at a pooler',
    Object.assign(new Error('password authentication failed'), { code: '08P01' }),
    78,
    /pooler at DATABASE_URL refuses the user or password/,
  ],
  [
    'the same by SCRAM',
    Object.assign(new Error('SASL authentication failed'), { code: '08P01' }),
    78,
    /pooler at DATABASE_URL refuses the user or password/,
  ],
  [
    'a pooler with a wrong password',
    Object.assign(new Error('password authentication failed for user "auth"'), { code: '08P01' }),
    78,
    /Postgres refuses .* the pooler at DATABASE_URL has for it/,
  ],
  ['a database that is full of connections', system({ code: '53300' }), 69, /no connection left.*DATABASE_POOL/],
  [
    'a pooler whose server is away',
    Object.assign(new Error('server login has been failing, try again later (server_login_retry)'), { code: '08P01' }),
    69,
    /cannot be reached \(server login/,
  ],
  ['notifications that do not arrive', new ChannelError(), 78, /DATABASE_DIRECT_URL .*REVOCATION_FEED=poll/],
  [
    'no schema for the tables',
    new SchemaError('GRANT CREATE ON DATABASE … is needed.'),
    78,
    /^GRANT CREATE.*needed\.$/,
  ],
  ['two databases', new TwoDatabasesError(), 78, /^DATABASE_DIRECT_URL leads to another database.*same one\.$/],
  ['a wrong clock', new ClockError(3_600_000), 78, /3600\.0 s behind the database’s/],
  ['a database that commits nothing', new NoPulseError(), 69, /commits nothing/],
  ['a standby', new StandbyError(), 69, /standby.*DATABASE_URL to the primary/],
  ['a standby that is to be migrated', system({ code: '25006' }), 69, /standby.*DATABASE_URL to the primary/],
  [
    'a database that is silent',
    new Error('timeout expired'),
    69,
    /cannot be reached \(timeout expired\)\. Check DATABASE_URL/,
  ],
  ['a database that is away', system({ code: 'ECONNREFUSED' }), 69, /Check DATABASE_URL/],
  [
    'one that is away on two addresses',
    Object.assign(new AggregateError([system({})], ''), { code: 'ECONNREFUSED' }),
    69,
    /Check DATABASE_URL/,
  ],
  [
    'one that is away at the direct URL',
    new DirectUrlError(system({ code: 'ECONNREFUSED' })),
    69,
    /Check DATABASE_DIRECT_URL and/,
  ],
  ['a wrong password there', new DirectUrlError(system({ code: '28P01' })), 78, /password in DATABASE_DIRECT_URL\.$/],
  ['anything else there', new DirectUrlError(new Error('a flaw')), 70, /could not start: a flaw/],
  ['anything else', new Error('a flaw'), 70, /could not start: a flaw/],
  ['a thrown text', 'a text', 70, /could not start/],
  ['nothing', undefined, 70, /could not start/],
])('%s', (_name, error, exitCode, message) => {
  const told = explainFailure(error);
  expect(told.exitCode).toBe(exitCode);
  expect(told.message).toMatch(message);
  expect(told.message).not.toMatch(/\bat .*\.(js|ts)|undefined/);
});
