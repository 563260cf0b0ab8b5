import { createHmac } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { networkOf, siteOf } from '../common/address.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';

/** Names what is counted by a keyed hash: a dump of the store shows neither emails nor addresses, known or not. */
@Injectable()
export class LimitKeys {
  private readonly key: Buffer;

  constructor(@Inject(CONFIG) config: Config) {
    this.key = config.deriveKey('limits');
  }

  /** The key for a purpose and what it is counted by. */
  of(purpose: string, ...subject: string[]): string {
    const text = JSON.stringify([purpose, ...subject]);
    return createHmac('sha256', this.key).update(text).digest('base64url').slice(0, 32);
  }

  /** The key for a purpose and a client address, IPv6 by its /64. */
  ofAddress(purpose: string, address: string, ...subject: string[]): string {
    return this.of(purpose, networkOf(address), ...subject);
  }

  /** The key for a purpose and the /48 of a client address; null for an IPv4 address. */
  ofSite(purpose: string, address: string): string | null {
    const site = siteOf(address);
    return site === null ? null : this.of(purpose, site);
  }
}
