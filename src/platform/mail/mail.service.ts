import { createHmac } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { decrypt, encrypt } from '../common/encryption.js';
import { newId } from '../common/id.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Database } from '../database/database.js';
import { Problem } from '../http/problem.js';
import { type MailContent, type RenderedMail, renderMail } from './mail-layout.js';
import { ADD, KEPT, STORED_FOR, WITHDRAW } from './mail-store.js';

/** A mail as the outbox holds it. */
export interface OutgoingMail extends RenderedMail {
  to: string;
  /** The token of its link, for the development outbox. */
  token?: string;
}

/** A row of the outbox as it is read. */
interface SealedMail {
  id: string;
  sealed: Buffer;
  created_at: Date;
}

/** What the recipient of a mail may know of it. */
export interface StoredMail {
  id: string;
  /** Null where another APP_SECRET sealed it. */
  subject: string | null;
  at: Date;
}

/** Mail that leaves with the transaction that causes it: written into the outbox here, delivered by `Delivery`. */
@Injectable()
export class Mail {
  private readonly key: Buffer;
  private readonly recipientKey: Buffer;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
  ) {
    this.key = config.deriveKey('mail outbox');
    this.recipientKey = config.deriveKey('mail recipients');
  }

  /** Whether mail can be sent at all. */
  get available(): boolean {
    return this.config.mail.delivery !== 'none';
  }

  /** Throws a Problem `mail_unavailable` where no mail can be sent. For routes that are of no use without it. */
  require(): void {
    if (!this.available) throw new Problem('mail_unavailable');
  }

  /**
   * Puts a mail into the outbox, in the caller's transaction: it is sent if and only if that commits.
   * Where no mail can be sent this does nothing, so that a notice never stops what it tells of.
   */
  async send(content: MailContent, to: string, manager: EntityManager): Promise<void> {
    if (!this.available) return;
    const { delivery, appName } = this.config.mail;
    const id = newId();
    const mail: OutgoingMail = {
      to,
      ...renderMail(content, { appName, publicUrl: this.config.publicUrl }),
      token: content.link?.token,
    };
    const sealed = encrypt(Buffer.from(JSON.stringify(mail)), this.key, id);
    await manager.query(ADD, [id, content.kind, sealed, this.recipient(to), delivery === 'development outbox']);
  }

  /** Forgets what still waits for an address, in the caller's transaction. */
  async withdraw(to: string, manager: EntityManager): Promise<void> {
    await manager.query(WITHDRAW, [this.recipient(to)]);
  }

  /** What is stored of the mails to an address, newest first: those that follow `after`. */
  async storedFor(to: string, limit: number, after: StoredMail | null): Promise<StoredMail[]> {
    const values = [this.recipient(to), after?.id ?? null, limit];
    const rows = await this.database.manager.query<SealedMail[]>(STORED_FOR, values);
    return rows.map(({ id, sealed, created_at: at }) => ({ id, subject: this.open(id, sealed)?.subject ?? null, at }));
  }

  /** Opens a mail of the outbox. Null where another APP_SECRET sealed it. */
  open(id: string, sealed: Buffer): OutgoingMail | null {
    const bytes = decrypt(sealed, this.key, id);
    return bytes && JSON.parse(bytes.toString('utf8'));
  }

  /** The development outbox, newest first. */
  async kept(limit: number): Promise<(OutgoingMail & { at: Date })[]> {
    return this.opened(await this.database.manager.query(KEPT, [limit]));
  }

  private opened(rows: SealedMail[]): (OutgoingMail & { at: Date })[] {
    return rows.flatMap(({ id, sealed, created_at: at }) => {
      const mail = this.open(id, sealed);
      return mail ? [{ ...mail, at }] : [];
    });
  }

  private recipient(to: string): Buffer {
    return createHmac('sha256', this.recipientKey).update(to).digest();
  }
}
