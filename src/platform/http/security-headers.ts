import helmet from '@fastify/helmet';
import { fastify } from 'fastify';
import type { Config } from '../config/config.js';

/** Headers of an answer by their lower-case names. */
export type Headers = Readonly<Record<string, string>>;

/**
 * The security headers of every answer, as @fastify/helmet sets them: the API answers nothing that a browser should run,
 * frame or embed (ASVS 5.0, 3.2.1, 3.4, 3.5.8). They never change, so helmet is asked once and not for each request,
 * where it costs more than everything that Gatehouse itself does.
 */
export async function securityHeaders({ publicUrl }: Pick<Config, 'publicUrl'>): Promise<Headers> {
  const app = fastify();
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] },
    },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
    hsts: publicUrl.startsWith('https:') ? { maxAge: 31_536_000, includeSubDomains: true } : false,
    // Headers that no browser of today heeds.
    dnsPrefetchControl: false,
    ieNoOpen: false,
    originAgentCluster: false,
    permittedCrossDomainPolicies: false,
    xssFilter: false,
  });
  app.get('/', () => '');
  const { headers } = await app.inject('/');
  await app.close();
  const ownOfHttp = new Set(['content-type', 'content-length', 'date', 'connection']);
  const entries = Object.entries(headers).filter(([name]) => !ownOfHttp.has(name));
  return Object.freeze(Object.fromEntries(entries.map(([name, value]) => [name, String(value)])));
}
