import { connect } from 'node:net';

/** The answers to bytes sent as they are, and whether the server closed the connection after them. */
export interface RawAnswer {
  text: string;
  /** The status of every answer that came. */
  statuses: number[];
  closed: boolean;
}

/** How long the first byte of an answer may take, ms: a busy machine is not a silent one. */
const FIRST_BYTE = 5_000;

/**
 * Sends bytes that no HTTP client would send. Resolves when the server closes, or falls silent for `silence` ms after it
 * has begun to answer.
 */
export function sendRaw(url: string, bytes: string | Buffer, silence = 300): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1' as never));
    const finish = (closed: boolean) => {
      socket.destroy();
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
      resolve({ text, statuses, closed });
    };
    socket.setTimeout(FIRST_BYTE, () => finish(false));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      socket.setTimeout(silence);
    });
    socket.on('error', () => finish(true));
    socket.on('end', () => finish(true));
  });
}
