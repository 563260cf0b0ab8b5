import { isCertificateFault } from '../common/tls-fault.js';
import type { SmtpServer } from '../config/mail-settings.js';

/** What the library throws, as far as it is read. Its message may hold an address. */
export interface SendError {
  code?: string;
  /** The code of the system or of TLS that `code` stands before. */
  originalCode?: string;
  timeoutType?: string;
  command?: string;
  responseCode?: number;
  /** Whether the answer is one to which the same mail would get the same answer again. */
  permanent?: boolean;
}

type Server = Pick<SmtpServer, 'host' | 'port' | 'tls'>;

const OF_NAME = /^(?:ENOTFOUND|EAI_AGAIN|EDNS|ENODATA|ESERVFAIL)$/;
/** What TLS says of bytes that are not TLS. */
const OF_PLAIN_SERVER = /^(?:ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)|EPROTO)$/;

/**
 * Why a mail did not leave, in one sentence that says what to do, and what the library calls it. It names the server, and
 * neither an address nor a password.
 */
export function describeFault(error: SendError, server: Server, left: boolean): string {
  const { code = 'unknown', originalCode, command, responseCode } = error;
  const technical = [originalCode ?? code, command, responseCode ?? (left && 'after its last byte')]
    .filter(Boolean)
    .join(' ');
  return `${left ? 'the mail server had all of it and gave no clear answer' : sentenceOf(error, server)} (${technical})`;
}

function sentenceOf(error: SendError, server: Server): string {
  const { code = '', originalCode = code, command } = error;
  const place = `${server.host}:${server.port}`;
  if (command === 'RCPT TO') return 'the mail server does not take this recipient';
  if (command === 'MAIL FROM') return 'the mail server does not take mails from this sender: check MAIL_FROM';
  if (code === 'EAUTH') return 'the mail server refuses the user or password in SMTP_URL';
  if (code === 'EENVELOPE' || code === 'EMESSAGE') return 'the mail server does not take this mail';
  if (OF_NAME.test(originalCode))
    return `no mail server of the name ${server.host} is found: check the host in SMTP_URL`;
  if (originalCode === 'ECONNREFUSED')
    return `nothing takes connections at ${place}: check the port in SMTP_URL and that the mail server runs`;
  return ofTls(originalCode, command, server) ?? ofSilence(error, server) ?? `the connection to ${place} broke`;
}

function ofTls(code: string, command: string | undefined, { host, port, tls }: Server): string | null {
  if (code === 'CERT_HAS_EXPIRED') return `the certificate of ${host} has expired: let the mail server have a new one`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `the certificate of the mail server is for another name than ${host}: use its own name in SMTP_URL`;
  if (isCertificateFault(code))
    return `the certificate of ${host} is from no authority that this machine knows: let Node know it by NODE_EXTRA_CA_CERTS`;
  if (tls === 'implicit' && OF_PLAIN_SERVER.test(code))
    return `the mail server at port ${port} does not begin with TLS: use smtp:// for STARTTLS, or the port for smtps://`;
  if (command === 'STARTTLS' || (tls === 'starttls' && code === 'ETLS'))
    return `the mail server at port ${port} offers no STARTTLS: use smtps:// and its port`;
  return null;
}

function ofSilence({ code, timeoutType, command }: SendError, { host, port, tls }: Server): string | null {
  const place = `${host}:${port}`;
  const isTimeout = code === 'ETIMEDOUT';
  if (timeoutType === 'CONNECT_TIMEOUT' || (isTimeout && timeoutType === undefined && command === 'CONN'))
    return `${place} does not answer: check host and port in SMTP_URL, and what stands between`;
  const hint = tls === 'implicit' ? '' : '; if it begins with TLS there, use smtps://';
  if (timeoutType === 'GREETING_TIMEOUT') return `the mail server at ${place} sends no greeting${hint}`;
  if (isTimeout) return `the mail server at ${place} fell silent`;
  if (code === 'ECONNECTION' && command === 'CONN') return `the mail server at ${place} hung up${hint}`;
  return code === 'EPROTOCOL' ? `what answers at ${place} is no mail server` : null;
}
