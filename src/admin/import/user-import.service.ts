import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { Audit } from '../../audit/audit.service.js';
import { newId } from '../../platform/common/id.js';
import { Database } from '../../platform/database/database.js';
import { type ImportedUser, type LineOptions, type RefusedLine, readLine } from './import-line.js';
import { type ImportFormat, ImportSourceError, readSource } from './import-source.js';
import * as store from './import-store.js';
import type { Bytes } from './source-line.js';

/** Users of one transaction. */
const BATCH = 1_000;

export interface ImportOptions extends Omit<LineOptions, 'now'> {
  format: ImportFormat;
  /** Does all of it and keeps none of it. */
  dryRun: boolean;
  actor: Actor;
  onRefused: (line: RefusedLine) => void;
  onProgress: (done: ImportResult) => void;
}

export interface ImportResult {
  imported: number;
  refused: number;
  /** Imported users who have no password, and choose one by mail. */
  withoutPassword: number;
  /** What the export has of the imported users and we do not take, with how many of them have it. */
  notTaken: Record<string, number>;
}

/** The import ended before its file did. What was done until then stays done, but in a dry run. */
export class ImportBrokenOff extends Error {
  override readonly name = 'ImportBrokenOff';
  constructor(
    readonly done: ImportResult,
    override readonly cause: unknown,
  ) {
    super('The import was broken off');
  }
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
   * imported are told to `onRefused`; the others are not held up by them. Throws ImportBrokenOff.
   */
  async run(input: Bytes, options: ImportOptions): Promise<ImportResult> {
    const done: ImportResult = { imported: 0, refused: 0, withoutPassword: 0, notTaken: {} };
    try {
      if (options.dryRun) await this.rehearseAll(input, options, done);
      else await this.batches(input, options, done, (users) => this.add(users, options.actor));
      return done;
    } catch (cause) {
      throw new ImportBrokenOff(done, cause);
    }
  }

  private async batches(input: Bytes, options: ImportOptions, done: ImportResult, add: Add): Promise<void> {
    const refuse: Refuse = (line) => {
      done.refused++;
      options.onRefused(line);
    };
    let batch: ImportedUser[] = [];
    const take = async () => {
      const users = await this.withKnownRoles(batch, refuse);
      batch = [];
      const { kept, refusals } = await add(users);
      done.imported += kept.length;
      done.withoutPassword += kept.filter(({ passwordHash }) => passwordHash === null).length;
      for (const what of kept.flatMap(({ left }) => left)) done.notTaken[what] = (done.notTaken[what] ?? 0) + 1;
      for (const line of refusals) refuse(line);
      options.onProgress(done);
    };
    const now = await this.now();
    try {
      for await (const line of readSource(input, options.format, options.vendor?.lists)) {
        const user = readLine(line, { ...options, now });
        if (user === null) continue;
        if ('reason' in user) refuse(user);
        else batch.push(user);
        if (batch.length >= BATCH) await take();
      }
    } catch (error) {
      if (error instanceof ImportSourceError) await take();
      throw error;
    }
    await take();
  }

  private async now(): Promise<Date> {
    const [row] = await this.database.manager.query<{ now: Date }[]>(store.NOW);
    if (!row) throw new Error('SELECT returned no row');
    return row.now;
  }

  /** Adds users in one transaction. Where the database refuses it, in two, and so on, down to the one that is the cause. */
  private async add(users: ImportingUser[], actor: Actor): Promise<Sorted> {
    try {
      return await this.database.transaction(async (manager) => {
        const rows = await manager.query<{ id: string }[]>(store.INSERT, columnsOf(users));
        const result = sorted(users, rows);
        await this.complete(result.kept, actor, manager);
        return result;
      });
    } catch (error) {
      const [first] = users;
      if (!first || !isDataRefused(error)) throw error;
      if (users.length === 1) {
        return { kept: [], refusals: [refusalOf(first, `The database refuses it: ${error.message}.`)] };
      }
      const half = Math.ceil(users.length / 2);
      const parts = [await this.add(users.slice(0, half), actor), await this.add(users.slice(half), actor)];
      return { kept: parts.flatMap(({ kept }) => kept), refusals: parts.flatMap(({ refusals }) => refusals) };
    }
  }

  private rehearseAll(input: Bytes, options: ImportOptions, done: ImportResult): Promise<void> {
    // The file is read once.
    return this.database.transactionOnce(async (manager) => {
      await manager.query(store.REMEMBER_SEEN);
      await this.batches(input, options, done, async (users) => {
        return sorted(users, await manager.query<{ id: string }[]>(store.REHEARSE, keysOf(users)));
      });
    });
  }

  private async withKnownRoles(batch: ImportedUser[], refuse: Refuse): Promise<ImportingUser[]> {
    const named = [...new Set(batch.flatMap(({ roles }) => roles))];
    const rows = await this.database.manager.query<{ name: string }[]>(store.KNOWN_ROLES, [named]);
    const known = new Set(rows.map(({ name }) => name));
    return batch.flatMap((user) => {
      const unknown = user.roles.find((role) => !known.has(role));
      if (unknown === undefined) return [{ id: newId(), ...user }];
      refuse(refusalOf(user, `roles: There is no role ${unknown}.`));
      return [];
    });
  }

  /** What a new user has beside its row: roles, when it was made elsewhere, and its entry in the audit log. */
  private async complete(users: ImportingUser[], actor: Actor, manager: EntityManager) {
    const roles = users.flatMap(({ id, roles }) => roles.map((role) => [id, role] as const));
    await manager.query(store.GIVE_ROLES, [roles.map(([id]) => id), roles.map(([, role]) => role)]);
    const dated = users.filter(({ createdAt }) => createdAt !== null);
    if (dated.length > 0) {
      await manager.query(store.SET_CREATED, [dated.map(({ id }) => id), dated.map(({ createdAt }) => createdAt)]);
    }
    await this.audit.recordAll(
      users.map(({ id, roles }) => {
        return { type: 'user.created', actor, userId: id, data: { roles, imported: true } };
      }),
      manager,
    );
  }
}

type ImportingUser = ImportedUser & { id: string };

type Refuse = (line: RefusedLine) => void;
/** Which users were added, and why the others were not. */
interface Sorted {
  kept: ImportingUser[];
  refusals: RefusedLine[];
}
type Add = (users: ImportingUser[]) => Promise<Sorted>;

/** Those whose id came back, and the others. */
function sorted(users: ImportingUser[], rows: { id: string }[]): Sorted {
  const ids = new Set(rows.map(({ id }) => id));
  const reason = 'The email or the username is taken, in the database or earlier in the file.';
  return {
    kept: users.filter(({ id }) => ids.has(id)),
    refusals: users.filter(({ id }) => !ids.has(id)).map((user) => refusalOf(user, reason)),
  };
}

function refusalOf({ line, email }: ImportedUser, reason: string): RefusedLine {
  return { line, email: email.written, reason };
}

/** Whether it is what was written that Postgres refuses (SQLSTATE classes 22 and 23), and not that it cannot write. */
function isDataRefused(error: unknown): error is Error {
  return error instanceof Error && /^2[23]/.test((error as { code?: string }).code ?? '');
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
    users.map(({ lastLoginAt }) => lastLoginAt),
  ];
}
