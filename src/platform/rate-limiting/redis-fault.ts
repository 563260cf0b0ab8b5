import { isCertificateFault } from '../common/tls-fault.js';

/** What the driver reports, as far as it is read. Its message may hold an address. */
interface RedisError {
  name: string;
  message: string;
  code?: string;
}

const NO_SUCH_DATABASE = /DB index is out of range/;

/** What Redis says to those whom it does not let do their work, and the sentence for it. */
const REFUSALS: [answer: RegExp, sentence: string][] = [
  [/^WRONGPASS|invalid password/, 'Redis refuses the user or password in REDIS_URL'],
  [/^NOAUTH/, 'Redis asks for a password, and REDIS_URL has none'],
  [/^NOPERM/, 'Redis does not let the user in REDIS_URL do what is needed'],
  [NO_SUCH_DATABASE, 'Redis has no database of the number in REDIS_URL'],
];

/** Why Redis cannot be used, in one sentence that says what to mend. */
export function describeRedisFault({ name, message, code }: RedisError): string {
  const refusal = REFUSALS.find(([answer]) => answer.test(message));
  if (refusal) return refusal[1];
  if (name === 'ParserError') return 'What answers at the address in REDIS_URL is no Redis';
  if (isCertificateFault(code ?? ''))
    return `The certificate of Redis is not one that this machine takes for it (${code}): let Node know its authority by NODE_EXTRA_CA_CERTS`;
  if (/^ERR_SSL_|^EPROTO$/.test(code ?? ''))
    return `Redis does not begin with TLS at the address in REDIS_URL (${code}): use redis://, or the port for rediss://`;
  return `Redis cannot be reached (${code ?? name})`;
}

/** Whether the driver would go on all the same, with database 0. */
export function isOfDatabase({ message }: RedisError): boolean {
  return NO_SUCH_DATABASE.test(message);
}
