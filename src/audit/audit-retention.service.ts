import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { AuditChain, GENESIS } from './audit-chain.service.js';
import type { Seal } from './audit-entry.js';
import * as store from './audit-store.js';
import { AuditVerifier } from './audit-verifier.service.js';

const EVERY = 3_600_000;
/** Seals cut at once: their entries are read and compared in one transaction. */
const BATCH = 20;

/**
 * Removes what is older than AUDIT_RETENTION, in whole seals that have just been found as they were written,
 * and none from a set-back on that nobody has accepted: it would be gone before it was looked into.
 * An anchor takes their place, so that the rest of the chain still has a beginning that nobody can invent.
 */
@Injectable()
export class AuditRetention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(AuditRetention.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly chain: AuditChain,
    private readonly verifier: AuditVerifier,
  ) {}

  onApplicationBootstrap(): void {
    const { auditRetention } = this.config;
    if (auditRetention === undefined) return;
    const cut = () =>
      void this.cut(auditRetention).catch((error) => this.logger.warn(`The audit log could not be cut: ${error}`));
    this.timer = setInterval(cut, EVERY).unref();
    cut();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Removes the entries sealed longer than `age` milliseconds ago. Returns how many. Stops before the first fault. */
  async cut(age: number): Promise<number> {
    let total = 0;
    for (;;) {
      const count = (await this.chain.withChainLock(null, (manager) => this.cutBatch(age, manager))) ?? 0;
      total += count;
      if (count === 0) break;
    }
    if (total > 0) this.logger.log(`Removed ${total} audit entries that were past AUDIT_RETENTION`);
    return total;
  }

  private async cutBatch(age: number, manager: EntityManager): Promise<number> {
    const start = (await this.chain.read('anchor', manager)) ?? GENESIS;
    const seals = await manager.query<Seal[]>(store.OLD_SEALS, [start.number, age, BATCH]);
    const { faults, setBacks } = await this.verifier.examine(seals, start, manager);
    const [fault] = faults;
    if (fault) {
      this.logger.error(`${fault.detail} Nothing is removed before it is clear why; run npm run cli -- audit:verify`);
      return 0;
    }
    const open = setBacks.find(({ accepted }) => !accepted);
    const cut = open
      ? seals.slice(
          0,
          seals.findIndex(({ ids }) => ids.includes(open.entry)),
        )
      : seals;
    const last = cut.at(-1);
    if (!last) {
      if (open) this.logger.warn(`${open.detail}. Nothing is removed from there on before that`);
      return 0;
    }
    for (const { number, mac } of cut) await manager.query(store.CUT, [number, this.chain.macs.releaseOf(mac)]);
    const head = (await this.chain.read('head', manager)) ?? GENESIS;
    await this.chain.write('anchor', { number: last.number, seal: last.mac }, head, manager);
    return cut.reduce((sum, { ids }) => sum + ids.length, 0);
  }
}
