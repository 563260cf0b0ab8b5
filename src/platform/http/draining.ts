import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** Whether this instance is about to stop: it serves as before, and asks to be sent nothing new. */
@Injectable()
export class Draining implements OnModuleDestroy {
  private begun = false;

  get isOn(): boolean {
    return this.begun;
  }

  begin(): void {
    this.begun = true;
  }

  onModuleDestroy(): void {
    this.begin();
  }
}

/**
 * Ends each connection behind its next answer while the instance drains (RFC 9112, 9.6): its client asks anew, and where
 * the instance is out of the balance by then, another one is asked. One left open would be cut off by the stop.
 */
export function endConnectionsWhileDraining(fastify: FastifyInstance, draining: Draining): void {
  fastify.addHook('onRequest', (_request, reply, done) => {
    if (draining.isOn) void reply.header('connection', 'close');
    done();
  });
}
