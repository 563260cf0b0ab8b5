import type { Socket } from 'node:net';
import { contentPolicy } from './content-policy.js';
import { Problem } from './problem.js';
import { newRequestId } from './requests.js';

/** What Node's parser can say of bytes that are no request it takes: status and reason of RFC 9110 and 6585. */
const REFUSALS: Record<string, readonly [status: number, title: string, detail: string]> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'Send smaller headers: 16 KiB in all at most.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request did not arrive in time. Send it again.'],
};
const UNREADABLE = [400, 'Bad Request', 'What came is no well-formed HTTP/1.1 request.'] as const;

/**
 * Answers what Node could not read as a request in the form of every other error, and closes the connection: where one
 * message ends and the next begins is not to be guessed (RFC 9112, 11.2).
 */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const [status, title, detail] = REFUSALS[error.code ?? ''] ?? UNREADABLE;
    const requestId = newRequestId();
    const body = JSON.stringify({ ...new Problem('invalid_request', { detail }).body(requestId), status, title });
    const head = [
      `HTTP/1.1 ${status} ${title}`,
      `X-Request-Id: ${requestId}`,
      'Cache-Control: no-store',
      'X-Content-Type-Options: nosniff',
      `Content-Security-Policy: ${contentPolicy({})}`,
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  }
  socket.destroy(error);
}
