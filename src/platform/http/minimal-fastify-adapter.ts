import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';

/**
 * Nest's adapter without the seven hooks that its constructor adds to every request, for features that this application
 * does not use: its own request hooks, its answer while closing, enableCors(), its security hook, middleware, versioning.
 * What it gains is small (decision 0010). What is registered on Fastify itself works as ever.
 */
export class MinimalFastifyAdapter extends FastifyAdapter {
  /** Takes Fastify's options and Nest's own; their types do not fit together. */
  constructor(options: object) {
    super(options as never);
    const instance = this.getInstance<FastifyInstance>();
    instance.addHook = addHooks.get(instance) ?? instance.addHook;
  }

  /** Called by the constructor, before it adds its hooks. */
  override setInstance<T>(instance: T): void {
    const fastify = instance as unknown as FastifyInstance;
    addHooks.set(fastify, fastify.addHook);
    fastify.addHook = () => fastify;
    super.setInstance(instance);
  }
}

const addHooks = new WeakMap<FastifyInstance, FastifyInstance['addHook']>();
