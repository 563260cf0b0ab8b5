import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { contentPolicy } from './content-policy.js';
import { Problem } from './problem.js';
import { newRequestId } from './requests.js';

/** Status, reason and what to do. */
type Refusal = readonly [status: number, title: string, detail: string];

/** What Node's parser can say of bytes that are no request it takes: status and reason of RFC 9110 and 6585. */
const REFUSALS: Record<string, Refusal> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'Send smaller headers: 16 KiB in all at most.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request did not arrive in time. Send it again.'],
};
const UNREADABLE: Refusal = [400, 'Bad Request', 'What came is no well-formed HTTP/1.1 request.'];

/**
 * Answers what Node could not read as a request in the form of every other error, and closes the connection: where one
 * message ends and the next begins is not to be guessed (RFC 9112, 11.2).
 */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const [status, title, detail] = REFUSALS[error.code ?? ''] ?? UNREADABLE;
    socket.write(answerOf(new Problem('invalid_request', { status, title, detail })));
  }
  socket.destroy(error);
}

/** Answers CONNECT, for which Node would hang up without a word: this is no proxy, and no address here takes the method. */
export function refuseTunnel(_request: IncomingMessage, socket: Duplex): void {
  // Node has handed the socket over, and with it the care for its errors.
  socket.on('error', () => socket.destroy());
  socket.end(answerOf(new Problem('method_not_allowed', { headers: { allow: '' } })), () => socket.destroy());
}

/** A whole answer, for a socket on which there is no request to reply to. */
function answerOf(problem: Problem): string {
  const requestId = newRequestId();
  const body = JSON.stringify(problem.body(requestId));
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `X-Request-Id: ${requestId}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    `Content-Security-Policy: ${contentPolicy({})}`,
    ...Object.entries(problem.headers).map(([name, value]) => `${name}: ${value}`),
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
