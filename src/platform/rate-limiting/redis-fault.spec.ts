import { describeRedisFault } from './redis-fault.js';

const said = (message: string) => ({ name: 'ReplyError', message });

test.each([
  [
    'a wrong password',
    said('WRONGPASS invalid username-password pair or user is disabled.'),
    /refuses the user or password/,
  ],
  ['the same of old', said('ERR invalid password'), /refuses the user or password/],
  ['no password', said('NOAUTH Authentication required.'), /asks for a password/],
  ['too few rights', said("NOPERM User limits has no permissions to run the 'eval' command"), /does not let the user/],
  ['a number beyond the last', said('ERR DB index is out of range'), /no database of the number/],
  ['another service', { name: 'ParserError', message: 'Protocol error' }, /is no Redis/],
  ['a certificate', { name: 'Error', message: 'x', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, /NODE_EXTRA_CA_CERTS/],
  ['no TLS', { name: 'Error', message: 'x', code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, /use redis:\/\//],
  [
    'nobody',
    { name: 'Error', message: 'connect ECONNREFUSED 10.1.2.3:6379', code: 'ECONNREFUSED' },
    /cannot be reached/,
  ],
])('%s has a sentence that applies', (_what, error, sentence) => {
  expect(describeRedisFault(error)).toMatch(sentence);
  expect(describeRedisFault(error)).not.toMatch(/10\.1\.2\.3|ReplyError/);
});
