import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** When an answer counts as left lying: what is not taken of it costs memory here and in the kernel. */
export interface StallLimits {
  /** Milliseconds in which the other side has to take something of what waits for it. */
  timeout: number;
  /** Milliseconds from one look to the next. */
  interval: number;
}

const STALL_LIMITS: StallLimits = { timeout: 30_000, interval: 1_000 };

/** Requests of one connection that wait for the answers to those before them (RFC 9112, 9.3.2) at most. */
const MOST_WAITING = 16;

/**
 * Resets connections whose answer nobody takes. A slow reader is served for as long as it reads on, and an answer that is
 * still being made is waited for. Neither of Node's own timeouts does it: each of them begins anew with every byte that
 * comes in.
 */
export function closeStalled(server: Server, { timeout, interval }: StallLimits = STALL_LIMITS): void {
  const open = new Set<Socket>();
  const stalled = new WeakMap<Socket, { sent: number; since: number }>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const look = (socket: Socket, now: number): void => {
    const waiting = socket.writableLength;
    if (waiting === 0) return void stalled.delete(socket);
    const sent = socket.bytesWritten - waiting;
    const before = stalled.get(socket);
    if (before?.sent !== sent) return void stalled.set(socket, { sent, since: now });
    // With a reset the kernel forgets what it still holds, up to some MB.
    if (now - before.since >= timeout) reset(socket);
  };
  const timer = setInterval(() => {
    const now = performance.now();
    for (const socket of open) look(socket, now);
  }, interval).unref();
  server.once('close', () => clearInterval(timer));
}

/** `resetAndDestroy` alone would wait until everything is written, which here is never. */
function reset(socket: Socket): void {
  socket.resetAndDestroy();
  socket.destroy();
}

/**
 * Closes a connection on which more than 16 requests wait for the answers to those before them: each would be answered
 * into memory, for a client that need not read.
 */
export function limitPipelining(fastify: FastifyInstance): void {
  const waiting = new WeakMap<Socket, number>();
  fastify.addHook('onRequest', (request, reply, done) => {
    // Node gives an answer its socket when its turn comes: those that have one need no counting.
    if (reply.raw.socket !== null) return done();
    const { socket } = request.raw;
    const count = (waiting.get(socket) ?? 0) + 1;
    waiting.set(socket, count);
    reply.raw.once('close', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    if (count <= MOST_WAITING) return done();
    reply.hijack();
    socket.destroy();
  });
}
