import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Audit } from '../../audit/audit.service.js';
import { newId } from '../../common/id.js';
import { Database } from '../../database/database.js';
import type { Actor } from '../users.service.js';
import { type ImportedUser, type LineOptions, type RefusedLine, readLine } from './import-line.js';
import { type ImportFormat, readSource } from './import-source.js';
import * as store from './import-store.js';

/** Users of one transaction. */
const BATCH = 1_000;

export interface ImportOptions extends LineOptions {
  format: ImportFormat;
  /** Does all of it and keeps none of it. */
  dryRun: boolean;
  actor: Actor;
  onRefused: (line: RefusedLine) => void;
  onProgress: (done: { imported: number; refused: number }) => void;
}

export interface ImportResult {
  imported: number;
  refused: number;
}

/** Takes users over from other software, with their password hashes; no plain password is ever needed. */
@Injectable()
export class UserImport {
  constructor(
    private readonly database: Database,
    private readonly audit: Audit,
  ) {}

  /**
   * Reads users from a stream and adds them in batches; memory does not grow with the file. Lines that cannot be
   * imported are told to `onRefused`; the others are not held up by them. Throws ImportSourceError.
   */
  async run(input: Readable, options: ImportOptions): Promise<ImportResult> {
    const each = (add: Add) => this.batches(input, options, add);
    if (!options.dryRun) {
      return each((users, refuse) => this.database.transaction((manager) => this.add(users, options, refuse, manager)));
    }
    return this.database.transaction(async (manager) => {
      await manager.query(store.REMEMBER_SEEN);
      return each((users, refuse) => this.rehearse(users, refuse, manager));
    });
  }

  private async batches(input: Readable, options: ImportOptions, add: Add): Promise<ImportResult> {
    const done: ImportResult = { imported: 0, refused: 0 };
    const refuse: Refuse = (line) => {
      done.refused++;
      options.onRefused(line);
    };
    const take = async (batch: ImportedUser[]) => {
      done.imported += await add(await this.withKnownRoles(batch, refuse), refuse);
      options.onProgress(done);
    };
    let batch: ImportedUser[] = [];
    for await (const line of readSource(input, options.format)) {
      const user = readLine(line, options);
      if ('reason' in user) refuse(user);
      else batch.push(user);
      if (batch.length < BATCH) continue;
      await take(batch);
      batch = [];
    }
    await take(batch);
    return done;
  }

  private async add(
    users: ImportingUser[],
    options: ImportOptions,
    refuse: Refuse,
    manager: EntityManager,
  ): Promise<number> {
    const rows = await manager.query<{ id: string }[]>(store.INSERT, columnsOf(users));
    const made = keep(users, rows, refuse);
    await this.complete(made, options.actor, manager);
    return made.length;
  }

  private async rehearse(users: ImportingUser[], refuse: Refuse, manager: EntityManager): Promise<number> {
    return keep(users, await manager.query<{ id: string }[]>(store.REHEARSE, keysOf(users)), refuse).length;
  }

  private async withKnownRoles(batch: ImportedUser[], refuse: Refuse): Promise<ImportingUser[]> {
    const named = [...new Set(batch.flatMap(({ roles }) => roles))];
    const rows = await this.database.manager.query<{ name: string }[]>(store.KNOWN_ROLES, [named]);
    const known = new Set(rows.map(({ name }) => name));
    return batch.flatMap((user) => {
      const unknown = user.roles.find((role) => !known.has(role));
      if (unknown === undefined) return [{ id: newId(), ...user }];
      refuse({ line: user.line, email: user.email.written, reason: `roles: There is no role ${unknown}.` });
      return [];
    });
  }

  /** What a new user has beside its row: roles, when it was made elsewhere, and its entry in the audit log. */
  private async complete(users: ImportingUser[], { id: actorId, client, operator }: Actor, manager: EntityManager) {
    const roles = users.flatMap(({ id, roles }) => roles.map((role) => [id, role] as const));
    await manager.query(store.GIVE_ROLES, [roles.map(([id]) => id), roles.map(([, role]) => role)]);
    const dated = users.filter(({ createdAt }) => createdAt !== null);
    if (dated.length > 0) {
      await manager.query(store.SET_CREATED, [dated.map(({ id }) => id), dated.map(({ createdAt }) => createdAt)]);
    }
    await this.audit.recordAll(
      users.map(({ id, roles }) => {
        const data = { roles, imported: true, ...(operator !== undefined && { operator }) };
        return { type: 'user.created' as const, actorId, userId: id, client, data };
      }),
      manager,
    );
  }
}

type ImportingUser = ImportedUser & { id: string };

type Refuse = (line: RefusedLine) => void;
type Add = (users: ImportingUser[], refuse: Refuse) => Promise<number>;

/** Those whose id came back; the others are refused. */
function keep(users: ImportingUser[], rows: { id: string }[], refuse: Refuse): ImportingUser[] {
  const ids = new Set(rows.map(({ id }) => id));
  return users.filter(({ id, line, email }) => {
    const kept = ids.has(id);
    const reason = 'The email or the username is taken, in the database or earlier in the file.';
    if (!kept) refuse({ line, email: email.written, reason });
    return kept;
  });
}

function keysOf(users: ImportingUser[]): unknown[] {
  return [
    users.map(({ id }) => id),
    users.map(({ email }) => email.key),
    users.map(({ username }) => username?.toLowerCase() ?? null),
  ];
}

function columnsOf(users: ImportingUser[]): unknown[] {
  return [
    users.map(({ id }) => id),
    users.map(({ email }) => email.written),
    users.map(({ email }) => email.key),
    users.map(({ username }) => username),
    users.map(({ name }) => name),
    users.map(({ passwordHash }) => passwordHash),
    users.map(({ emailVerified }) => emailVerified),
    users.map(({ status }) => status),
  ];
}
