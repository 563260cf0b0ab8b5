import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { endsConnection, isDatabaseUnavailable } from './database-errors.js';

const withCode = (code: string) => Object.assign(new Error('x'), { code });

test.each([
  '08000',
  '08006',
  // PgBouncer, of a server that it has lost or a wait that was too long.
  '08P01',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '25P03',
  '25P04',
  '53300',
  '57014',
  // It lets us not in.
  '28P01',
  '28000',
  '3D000',
  // Its disk or memory is full, or broken.
  '53100',
  '53200',
  '58030',
  // It has undone a transaction for the sake of another.
  '40001',
  '40P01',
  '55P03',
  '25006',
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
])('%s: the database is not there', (code) => {
  expect(isDatabaseUnavailable(withCode(code))).toBe(true);
  // TypeORM wraps the driver's error, and a connection to two addresses gives one error for each.
  expect(isDatabaseUnavailable(Object.assign(new Error('QueryFailedError'), { driverError: withCode(code) }))).toBe(
    true,
  );
  expect(isDatabaseUnavailable(new AggregateError([new Error('first'), withCode(code)]))).toBe(true);
});

test.each([QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError])(
  'a connection that broke between two statements of a transaction: %p',
  (Released) => expect(isDatabaseUnavailable(new Released())).toBe(true),
);

test.each([
  'Connection terminated unexpectedly',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  // A client that is in no pool.
  'timeout expired',
  'Client was closed and is not queryable',
])('%s', (message) => {
  expect(isDatabaseUnavailable(new Error(message))).toBe(true);
});

test.each(['23505', '22P02', '22021', '42601', '42P01', '42501', '40002', 'ENOENT', 'EACCES', ''])(
  '%s: it is there, and something else is wrong',
  (code) => {
    expect(isDatabaseUnavailable(withCode(code))).toBe(false);
    expect(isDatabaseUnavailable(Object.assign(new Error('QueryFailedError'), { driverError: withCode(code) }))).toBe(
      false,
    );
  },
);

test.each([
  undefined,
  null,
  'ECONNREFUSED',
  8006,
  {},
  { code: 'ECONNREFUSED' },
  new Error('the name "Connection terminated" is taken'),
])('%p is no such error', (error) => {
  expect(isDatabaseUnavailable(error)).toBe(false);
});

test.each(['08006', '08P01', '25006', '57P01', '57P02', '57P03', '57P05', '25P03', '25P04'])(
  '%s: the connection is over',
  (code) => {
    expect(endsConnection(withCode(code))).toBe(true);
  },
);

test.each([
  withCode('57014'),
  withCode('53300'),
  withCode('23505'),
  withCode('25P02'),
  new Error('x'),
  undefined,
  null,
])('%p: the connection is good for another statement', (error) => {
  expect(endsConnection(error)).toBe(false);
});
