import type { Socket } from 'node:net';
import { v4 } from 'uuid';
import { Problem } from './problem.js';

/** What Node refuses before there is a request: the status line, and what to tell the person. */
const REFUSALS: Record<string, [status: number, reason: string, detail: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'The headers of the request are too large.'],
};
const NO_HTTP: [number, string, string] = [400, 'Bad Request', 'The request is not well-formed HTTP.'];

/** Answers what is not even a request as everything else is answered, and ends the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable && socket.bytesWritten === 0) {
    const [status, reason, detail] = REFUSALS[error.code ?? ''] ?? NO_HTTP;
    const requestId = v4();
    const body = JSON.stringify({ ...new Problem('invalid_request', { detail }).body(requestId), status });
    const head = [
      `HTTP/1.1 ${status} ${reason}`,
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      'X-Content-Type-Options: nosniff',
      `X-Request-Id: ${requestId}`,
      'Connection: close',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  }
  // Whoever does not read the answer holds no connection either.
  socket.destroySoon();
}
