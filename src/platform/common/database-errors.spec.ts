import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { findPostgresBinaries } from '../database/embedded/postgres-binaries.js';
import { endsConnection, isConflict, isDatabaseUnavailable, meaningOf, sparesConnection } from './database-errors.js';

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
  // The database takes no connections, or was dropped.
  '55000',
  '57P04',
  // It lets us not in.
  '28P01',
  '28000',
  '3D000',
  // Its disk or memory is full, or broken.
  '53000',
  '53100',
  '53200',
  '53400',
  '58000',
  '58030',
  '58P01',
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
  // TLS with it comes to nothing: a certificate that has expired while we ran, a proxy that speaks none.
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'EPROTO',
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
  'The server does not support SSL connections',
  'There was an error establishing an SSL connection',
  'SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature is missing',
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

const withSeverity = (severity: string, code: string) => Object.assign(withCode(code), { severity });

test.each([
  ['FATAL', '42501'],
  // What Supavisor says of a server that it has lost.
  ['FATAL', 'XX000'],
  ['FATAL', 'F0000'],
  ['PANIC', 'XX000'],
])('%s of %s: whatever the code, the connection is over and there is none', (severity, code) => {
  const error = withSeverity(severity, code);
  expect([isDatabaseUnavailable(error), endsConnection(error), sparesConnection(error)]).toEqual([true, true, false]);
});

test.each(['42501', 'XX000', '23505'])('an ERROR of %s is none of that', (code) => {
  const error = withSeverity('ERROR', code);
  expect([isDatabaseUnavailable(error), endsConnection(error), sparesConnection(error)]).toEqual([false, false, true]);
});

test.each(['EMFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOENT'])('%s where a connection is made', (code) => {
  expect(isDatabaseUnavailable(Object.assign(withCode(code), { syscall: 'connect' }))).toBe(true);
  expect(isDatabaseUnavailable(Object.assign(withCode(code), { syscall: 'open' }))).toBe(false);
});

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

test.each(['08006', '08P01', '25006', '57P01', '57P02', '57P03', '57P04', '57P05', '25P03', '25P04', '40003'])(
  '%s: the connection is over',
  (code) => {
    expect(endsConnection(withCode(code))).toBe(true);
  },
);

test.each([
  withCode('57014'),
  withCode('57000'),
  withCode('53100'),
  withCode('40001'),
  withCode('53300'),
  withCode('23505'),
  withCode('25P02'),
  new Error('x'),
  undefined,
  null,
])('%p: the connection is good for another statement', (error) => {
  expect(endsConnection(error)).toBe(false);
});

test.each(['57014', '53100', '40001', '23505', '42P01', 'P0001'])('%s costs no connection', (code) => {
  expect(sparesConnection(withCode(code))).toBe(true);
});

test.each([
  withCode('57P01'),
  withCode('0A000'),
  withCode('ECONNRESET'),
  new Error('Query read timeout'),
  true,
  undefined,
])('%p: nobody knows what state the connection is in', (error) => {
  expect(sparesConnection(error)).toBe(false);
});

const { postgres } = await findPostgresBinaries();
/** Every SQLSTATE that Postgres knows, as it comes with it. */
const KNOWN = readFileSync(join(postgres, '../../share/postgresql/errcodes.txt'), 'utf8')
  .split('\n')
  .flatMap((line) => /^([0-9A-Z]{5})\s/.exec(line)?.[1] ?? []);

test('every class of SQLSTATE has a place in the table', () => {
  expect(KNOWN.length).toBeGreaterThan(200);
  const unplaced = KNOWN.filter((code) => meaningOf(withCode(code)) === undefined);
  expect(unplaced).toEqual([]);
});

test('of all of them, these and no others are undone for the sake of another and may be run again', () => {
  const conflicts = KNOWN.filter((code) => isConflict(withCode(code)));
  expect(conflicts).toEqual(['40000', '40001', '40P01', ...(KNOWN.includes('72000') ? ['72000'] : [])]);
  const wrapped = Object.assign(new Error('QueryFailedError'), { driverError: withCode('40001') });
  expect([isConflict(wrapped), isConflict(withCode('08007')), isConflict(null), isConflict(new Error('x'))]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('what comes of a wrong statement or wrong data is never taken for a database that is away', () => {
  const wrong = KNOWN.filter((code) => /^(?:2[0-24-7]|23|42|P0|XX|0A)/.test(code));
  const away = wrong.filter((code) => isDatabaseUnavailable(withCode(code)));
  expect(away).toEqual(['25006', '25P03', ...(KNOWN.includes('25P04') ? ['25P04'] : [])]);
});
