import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../platform/common/clock.js';
import { isLoopbackHost } from '../platform/common/this-machine.js';
import { trimSpaces } from '../platform/common/trim-blanks.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { isWebOrigin } from '../platform/config/origins.js';
import { Problem } from '../platform/http/problem.js';
import type { Tokens } from './session.js';
import { SessionTokens } from './session-tokens.js';

/** A name below localhost may be that of another project, behind a proxy for all of them. */
const OWN_NAMES = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/** The cookie that holds a browser's refresh token, where no script can read it (ASVS 5.0, 3.3). */
@Injectable()
export class RefreshCookie {
  /** `__Host-` binds the cookie to this very host over TLS; plain http is for a developer's own machine only. */
  readonly name: string;
  private readonly plain: boolean;
  private readonly attributes: string;
  private readonly origins: ReadonlySet<string>;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly clock: Clock,
    private readonly tokens: SessionTokens,
  ) {
    const { origin, protocol, hostname } = new URL(config.publicUrl);
    this.plain = protocol === 'http:' && isLoopbackHost(hostname);
    this.name = this.plain ? 'gatehouse_refresh' : '__Host-gatehouse_refresh';
    this.attributes = `Path=/; HttpOnly; ${this.plain ? '' : 'Secure; '}SameSite=Strict`;
    // No browser brings a SameSite cookie to an app with a scheme of its own, which would lose the token with it.
    this.origins = new Set([origin, ...config.corsOrigins.filter(isWebOrigin)]);
  }

  /** The refresh token of a request, or null. Throws a Problem where two cookies have the name: one of them is a stranger's. */
  read(request: FastifyRequest): string | null {
    const [value, ...others] = this.values(request);
    if (others.length > 0) {
      throw new Problem('invalid_request', {
        detail: `There are two cookies ${this.name}. Delete both and sign in again.`,
      });
    }
    return value ?? null;
  }

  /** Whether a request has the cookie at all. */
  isIn(request: FastifyRequest): boolean {
    return this.values(request).length > 0;
  }

  /** Sets the cookie for as long as the session may idle, and returns what may stand in the body. */
  deliver<T extends Tokens>(reply: FastifyReply, { refreshToken, ...rest }: T): Omit<T, 'refreshToken'> {
    const maxAge = this.secondsUntil(rest.session.expiresAt);
    void reply.header('set-cookie', `${this.name}=${refreshToken}; Max-Age=${maxAge}; ${this.attributes}`);
    return rest;
  }

  /**
   * Removes the cookie from the browser. One that this server did not write stays: cookies know no port, so it is that of
   * another project on the same localhost.
   */
  clear(request: FastifyRequest, reply: FastifyReply): void {
    const values = this.values(request);
    if (values.length > 0 && !values.some((value) => this.tokens.read(value))) return;
    void reply.header('set-cookie', `${this.name}=; Max-Age=0; ${this.attributes}`);
  }

  /**
   * Refuses a request that a page of another origin has made (ASVS 5.0, 3.5.1): Origin must be ours or an allowed one.
   * Browsers send it with every POST. What sends neither Origin nor Sec-Fetch-Site is no browser, and has no cookie but
   * its own. Throws a Problem `cross_site_request`.
   */
  refuseCrossSite({ headers }: FastifyRequest): void {
    const site = headers['sec-fetch-site'];
    const { origin, host } = headers;
    if (site === 'cross-site') throw new Problem('cross_site_request');
    const own =
      origin === undefined
        ? [undefined, 'same-origin', 'none'].includes(site as string)
        : this.origins.has(origin) || (site !== 'same-site' && this.isOwnPage(origin, host));
    if (!own) throw new Problem('cross_site_request');
  }

  /**
   * Whether the page came from this server by another name of a developer's machine than `PUBLIC_URL` has. The port has to
   * be the same, since other programs serve on others; and the host no name that a stranger could have led here.
   */
  private isOwnPage(origin: string, host: string | undefined): boolean {
    return this.plain && host !== undefined && OWN_NAMES.test(host) && origin === new URL(`http://${host}`).origin;
  }

  /** The database has written `expiresAt`, and its time is known to within milliseconds: hence never more than may be. */
  private secondsUntil(expiresAt: string): number {
    const left = Math.min(Date.parse(expiresAt) - this.clock.now(), this.config.refreshTokenTtl);
    return Math.max(Math.ceil(left / 1000), 0);
  }

  /**
   * The values of the cookies that have exactly our name (RFC 6265, 4.2.1). Only space and tab stand around a pair: what
   * trim() takes away besides is part of a name, for which no browser demands what it demands of `__Host-`.
   */
  private values({ headers }: FastifyRequest): string[] {
    const start = `${this.name}=`;
    const pairs = (headers.cookie ?? '').split(';').map(trimSpaces);
    return pairs.filter((pair) => pair.startsWith(start)).map((pair) => pair.slice(start.length));
  }
}
