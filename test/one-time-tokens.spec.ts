import { createHash, randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import {
  OneTimeTokens,
  type SpentToken,
  type TokenPurpose,
} from '../src/auth/one-time-tokens/one-time-tokens.service.js';
import { newId } from '../src/platform/common/id.js';
import { dataSourceOptions } from '../src/platform/database/data-source.js';
import { Database } from '../src/platform/database/database.js';
import { Problem } from '../src/platform/http/problem.js';
import type { AddressHolder } from '../src/users/accounts.service.js';
import { createDatabase, type TestDatabase } from './support/database.js';

/** Two instances: a pool each, as two processes have. */
interface Instance {
  source: DataSource;
  database: Database;
  tokens: OneTimeTokens;
}

let postgres: TestDatabase;
let instances: Instance[];
let first: Instance;

async function startInstance(): Promise<Instance> {
  const options = { ...dataSourceOptions(postgres.url, { pool: 12, timeout: 20_000 }), migrations: [] };
  const source = await new DataSource(options).initialize();
  const database = new Database(source);
  return { source, database, tokens: new OneTimeTokens(database) };
}

beforeAll(async () => {
  postgres = await createDatabase();
  instances = await Promise.all([startInstance(), startInstance()]);
  first = instances[0] as Instance;
});

afterAll(async () => {
  await Promise.all(instances.map(({ source }) => source.destroy()));
  await postgres?.drop();
});

const hashOf = (text: string) => createHash('sha256').update(text).digest();

async function somebody(): Promise<AddressHolder> {
  const userId = newId();
  const email = `u${userId}@example.com`;
  await postgres.query('INSERT INTO users (id, email, email_key) VALUES ($1, $2, $2)', [userId, email]);
  return { userId, email, emailKey: email };
}

const issue = (purpose: TokenPurpose, holder: AddressHolder) =>
  first.database.transaction((manager) => first.tokens.issue(purpose, holder, manager));

const spend = (token: string, purpose: TokenPurpose, { database, tokens } = first, proof?: Buffer) =>
  database.transaction((manager) => tokens.spend(token, [purpose], manager, proof));

const countWrong = (token: string, { database, tokens } = first) =>
  database.transaction((manager) => tokens.countWrongAttempt(token, ['reset_password'], manager));

/** What became of each of 50 requests that arrive together at two instances. */
async function burst<T>(
  request: (instance: Instance, n: number) => Promise<T>,
): Promise<{ made: T[]; refused: unknown[] }> {
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, n) => request(instances[n % 2] as Instance, n)),
  );
  return {
    made: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    refused: results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])),
  };
}

const REFUSED = expect.objectContaining({ code: 'invalid_token_link' });

/** A token of the table's further kinds, which no flow issues yet. */
async function issueWith(fields: { attempts?: number; proof?: Buffer; data?: unknown }): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const holder = await somebody();
  await postgres.query(
    `INSERT INTO one_time_tokens (hash, purpose, owner_id, email, email_key, attempts_left, proof, data, expires_at)
     VALUES ($1, 'reset_password', $2, $3, $3, $4, $5, $6, now() + interval '5 minutes')`,
    [hashOf(token), holder.userId, holder.email, fields.attempts ?? null, fields.proof ?? null, fields.data ?? null],
  );
  return token;
}

describe('of 50 requests at once on two instances', () => {
  it('one spends a token, and all others are refused', async () => {
    const token = await issue('reset_password', await somebody());
    const { made, refused } = await burst((instance) => spend(token, 'reset_password', instance));
    expect(made).toHaveLength(1);
    expect(refused).toEqual(Array.from({ length: 49 }, () => REFUSED));
  });

  it('exactly as many wrong attempts are counted as the token bears, and then it is dead', async () => {
    const token = await issueWith({ attempts: 5 });
    const { made, refused } = await burst((instance) => countWrong(token, instance));
    expect(made.sort()).toEqual([0, 1, 2, 3, 4]);
    expect(refused).toEqual(Array.from({ length: 45 }, () => REFUSED));
    await expect(spend(token, 'reset_password')).rejects.toEqual(REFUSED);
  });

  it('a right one among wrong ones spends it once or comes too late, and nothing is counted afterwards', async () => {
    const token = await issueWith({ attempts: 5 });
    const { made } = await burst<number | SpentToken>((instance, n) =>
      n === 25 ? spend(token, 'reset_password', instance) : countWrong(token, instance),
    );
    const wrong = made.filter((value) => typeof value === 'number');
    expect(wrong.length).toBeLessThanOrEqual(5);
    expect(made.length - wrong.length).toBeLessThanOrEqual(1);
    expect(made.length).toBeGreaterThanOrEqual(1);
    await expect(countWrong(token)).rejects.toEqual(REFUSED);
    await expect(spend(token, 'reset_password')).rejects.toEqual(REFUSED);
  });
});

describe('a token', () => {
  it('of which no attempts are counted bears none: a wrong one is refused and changes nothing', async () => {
    const token = await issue('reset_password', await somebody());
    await expect(countWrong(token)).rejects.toEqual(REFUSED);
    expect((await spend(token, 'reset_password')).purpose).toBe('reset_password');
  });

  it('that bears wrong attempts yet can be spent, with what its flow left in it', async () => {
    const token = await issueWith({ attempts: 2, data: { methods: ['password'] } });
    expect(await countWrong(token)).toBe(1);
    expect(await spend(token, 'reset_password')).toMatchObject({ data: { methods: ['password'] } });
  });

  it('that was issued with a proof is spent with that proof alone, and another one spends it not', async () => {
    const proof = hashOf('12345678');
    const token = await issueWith({ proof });
    await expect(spend(token, 'reset_password')).rejects.toEqual(REFUSED);
    await expect(spend(token, 'reset_password', first, hashOf('87654321'))).rejects.toEqual(REFUSED);
    await spend(token, 'reset_password', first, proof);
    await expect(spend(token, 'reset_password', first, proof)).rejects.toEqual(REFUSED);
  });

  it('without a proof takes none along', async () => {
    const token = await issue('reset_password', await somebody());
    await expect(spend(token, 'reset_password', first, hashOf('x'))).rejects.toEqual(REFUSED);
  });

  it('is no token of another purpose', async () => {
    const token = await issue('reset_password', await somebody());
    for (const purpose of ['verify_email', 'invitation', 'change_email', 'undo_email_change'] as const)
      await expect(spend(token, purpose)).rejects.toEqual(REFUSED);
    expect(await first.tokens.findOwner(token, 'invitation')).toBeNull();
  });

  it('is back where the transaction that spent it rolls back', async () => {
    const token = await issue('reset_password', await somebody());
    const failing = first.database.transaction(async (manager) => {
      await first.tokens.spend(token, ['reset_password'], manager);
      throw new Problem('email_taken');
    });
    await expect(failing).rejects.toThrow();
    await spend(token, 'reset_password');
  });

  it('of a disabled account, an expired one and one for an address that the account left are refused', async () => {
    const spoil = {
      disabled: `UPDATE users SET status = 'disabled' WHERE id = $1`,
      expired: 'UPDATE one_time_tokens SET expires_at = now() WHERE owner_id = $1',
      moved: `UPDATE users SET email_key = 'x' || email_key WHERE id = $1`,
    };
    for (const statement of Object.values(spoil)) {
      const holder = await somebody();
      const token = await issue('reset_password', holder);
      await postgres.query(statement, [holder.userId]);
      await expect(spend(token, 'reset_password')).rejects.toEqual(REFUSED);
      expect(await first.tokens.findOwner(token, 'reset_password')).toBeNull();
    }
  });

  it('that is for nobody in particular has neither owner nor address; a mailed link always has both', async () => {
    const insert = (owner: string | null) =>
      postgres.query(
        `INSERT INTO one_time_tokens (hash, purpose, owner_id, expires_at) VALUES ($1, 'verify_email', $2, now())`,
        [randomBytes(32), owner],
      );
    await expect(insert(null)).rejects.toThrow('one_time_tokens_links_have_address');
    await expect(insert((await somebody()).userId)).rejects.toThrow('one_time_tokens_links_have_address');
  });

  it('goes with its owner', async () => {
    const token = await issueWith({});
    const [row] = await postgres.query<{ owner: string }>(
      'SELECT owner_id AS owner FROM one_time_tokens WHERE hash = $1',
      [hashOf(token)],
    );
    await postgres.query('DELETE FROM users WHERE id = $1', [row?.owner]);
    expect(await postgres.query('SELECT FROM one_time_tokens WHERE hash = $1', [hashOf(token)])).toEqual([]);
  });
});

describe('an instance of the version before, during an upgrade', () => {
  /** Its statements, word for word. */
  const FORMER_ISSUE = `
    INSERT INTO one_time_tokens (hash, purpose, user_id, email, email_key, expires_at)
    VALUES ($1, $2, $3, $4, $5, now() + $6 * interval '1 ms')
    ON CONFLICT (user_id, purpose) WHERE purpose <> 'undo_email_change' DO UPDATE SET
      hash = excluded.hash, email = excluded.email, email_key = excluded.email_key,
      created_at = excluded.created_at, expires_at = excluded.expires_at`;
  const FORMER_CONSUME = `
    DELETE FROM one_time_tokens t USING users u WHERE
    t.hash = $1 AND t.purpose = ANY ($2::text[]) AND t.expires_at > now() AND u.id = t.user_id AND u.status = 'active'
    AND (t.email_key = u.email_key OR t.purpose IN ('change_email', 'undo_email_change'))
    RETURNING t.purpose, t.user_id AS "userId", t.email, t.email_key AS "emailKey", t.created_at AS "createdAt"`;
  const FORMER_VOID = 'DELETE FROM one_time_tokens WHERE user_id = $1 AND purpose = ANY ($2::text[])';

  async function formerIssue(purpose: TokenPurpose, { userId, email, emailKey }: AddressHolder): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    await postgres.query(FORMER_ISSUE, [hashOf(token), purpose, userId, email, emailKey, 60_000]);
    return token;
  }
  const formerConsume = async (token: string, purpose: TokenPurpose, { source } = first) => {
    const [rows] = await source.query<[unknown[], number]>(FORMER_CONSUME, [hashOf(token), [purpose]]);
    if (rows.length === 0) throw new Problem('invalid_token_link');
    return rows.length;
  };

  it.each(['verify_email', 'reset_password', 'invitation', 'change_email', 'undo_email_change'] as const)(
    'issues and uses %s links, and this version uses and replaces them',
    async (purpose) => {
      const holder = await somebody();
      const theirs = await formerIssue(purpose, holder);
      expect(await first.tokens.findOwner(theirs, purpose)).toMatchObject({ id: holder.userId });
      expect(await spend(theirs, purpose)).toMatchObject(holder);
      await expect(formerConsume(theirs, purpose)).rejects.toEqual(REFUSED);

      const ours = await issue(purpose, holder);
      expect(await formerConsume(ours, purpose)).toBe(1);
      await expect(spend(ours, purpose)).rejects.toEqual(REFUSED);

      const before = await formerIssue(purpose, holder);
      const after = await issue(purpose, holder);
      const last = await formerIssue(purpose, holder);
      const alive = purpose === 'undo_email_change' ? [before, after, last] : [last];
      for (const token of [before, after]) {
        if (!alive.includes(token)) await expect(spend(token, purpose)).rejects.toEqual(REFUSED);
      }
      for (const token of alive) await spend(token, purpose);
    },
  );

  it('and this one void each other’s links', async () => {
    const holder = await somebody();
    const theirs = await formerIssue('reset_password', holder);
    await first.database.transaction((manager) => first.tokens.voidAll(holder.userId, manager));
    await expect(formerConsume(theirs, 'reset_password')).rejects.toEqual(REFUSED);
    const ours = await issue('reset_password', holder);
    await postgres.query(FORMER_VOID, [holder.userId, ['reset_password']]);
    await expect(spend(ours, 'reset_password')).rejects.toEqual(REFUSED);
  });

  it('and this one spend a link once between them, of 50 requests at once', async () => {
    const token = await issue('reset_password', await somebody());
    const { made } = await burst<unknown>((instance, n) =>
      n % 4 < 2 ? spend(token, 'reset_password', instance) : formerConsume(token, 'reset_password', instance),
    );
    expect(made).toHaveLength(1);
  });

  it('keeps several of a purpose alive for one owner where they are not to replace each other', async () => {
    const holder = await somebody();
    const insert = () =>
      postgres.query(
        `INSERT INTO one_time_tokens (hash, purpose, owner_id, email, email_key, expires_at)
         VALUES ($1, 'reset_password', $2, $3, $3, now() + interval '5 minutes')`,
        [randomBytes(32), holder.userId, holder.email],
      );
    for (let n = 0; n < 3; n++) await insert();
    await formerIssue('reset_password', holder);
    await issue('reset_password', holder);
    const rows = await postgres.query('SELECT FROM one_time_tokens WHERE owner_id = $1', [holder.userId]);
    expect(rows).toHaveLength(4);
  });
});
