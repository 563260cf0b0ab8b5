import { Client, type ClientConfig, type QueryConfig } from 'pg';
import { endsConnection } from '../common/database-errors.js';
import { currentDeadline, READ_TIMEOUT } from './deadline.js';
import type { StatementNames } from './statement-names.js';

type Callback = (error: Error | null, result?: unknown) => void;
type Query = (config: unknown, values?: unknown, callback?: Callback) => unknown;

/** The function of Postgres that warns where a commit stops waiting for its synchronous standby: the text is translated. */
const WAIT_FOR_STANDBY = 'SyncRepWaitForLSN';

/** A commit that stands on the primary alone. Its code is that of a transaction whose outcome is not known. */
class CommitInDoubtError extends Error {
  override readonly name = 'CommitInDoubtError';
  readonly code = '08007';
  constructor() {
    super('The commit stopped waiting for its synchronous standby: a failover may lose it');
  }
}

/** What a pool tells its connections beside what pg knows. */
interface PooledClientConfig extends ClientConfig {
  statementNames?: StatementNames;
  /** What is said in the place of START TRANSACTION. */
  startTransaction?: string;
}

/**
 * A connection of a pool that does not outlive its usefulness, prepares statements by name only where that works, gives up
 * when the request has no time left, begins transactions as we need them, and fails a commit that stopped waiting for its
 * synchronous standby.
 *
 * pg goes on using a connection whose answer did not come within `query_timeout`: behind a link gone silent it would stay
 * in the pool for a quarter of an hour, and every ROLLBACK would wait as long again. And TypeORM gives a connection back
 * whatever it was answered: one to a primary that was demoted would be asked for ever, since it still answers SELECT.
 */
export class PooledClient extends Client {
  constructor(config: PooledClientConfig = {}) {
    super(config);
    // Its user listens a few ticks after the pool has ceased to. What comes in between fails the next statement; unheard it would
    // end the process.
    this.on('error', () => undefined);
    const { startTransaction = 'START TRANSACTION' } = config;
    const query = withDoubt(this, this.query.bind(this) as Query);
    const run = withinDeadline(withoutBrokenNames(query, config.statementNames));
    this.query = ((text: unknown, ...values: [unknown[]?, Callback?]) => {
      const answer = run(text === 'START TRANSACTION' ? startTransaction : text, ...values);
      // With a callback it is the pool's own statement, and the pool closes a connection that may be no good any more.
      if (answer instanceof Promise) answer.catch((error: Error) => this.giveUp(error));
      return answer;
    }) as Client['query'];
  }

  /** A pool takes no connection back that is ending. */
  private giveUp(error: Error): void {
    if (error.message === READ_TIMEOUT || endsConnection(error)) void this.end();
  }
}

/** Gives a statement the time that its request has left, and runs none where there is none. */
function withinDeadline(query: Query): Query {
  return (config, values, callback) => {
    const deadline = currentDeadline();
    if (!deadline || deadline.left === Number.POSITIVE_INFINITY || isSubmittable(config))
      return query(config, values, callback);
    const { left } = deadline;
    const late = new Error(READ_TIMEOUT);
    if (left <= 0) return callback ? process.nextTick(callback, late) : Promise.reject(late);
    const timed = {
      ...(typeof config === 'string' ? { text: config, values } : (config as object)),
      query_timeout: Math.ceil(left),
    };
    deadline.begin();
    if (callback) {
      return query(timed, values, (error, result) => {
        deadline.end();
        callback(error, result);
      });
    }
    return (query(timed, values) as Promise<unknown>).finally(() => deadline.end());
  };
}

function isSubmittable(config: unknown): boolean {
  return typeof (config as { submit?: unknown } | null)?.submit === 'function';
}

/**
 * Fails the answer to a commit whose wait for the synchronous standby was cancelled. To Postgres it has succeeded, with a
 * warning that would go unread.
 */
function withDoubt(client: Client, query: Query): Query {
  let warned = false;
  client.on('notice', ({ routine }) => {
    warned ||= routine === WAIT_FOR_STANDBY;
  });
  // The warning comes before the answer, and the next statement is sent after it.
  const doubt = () => {
    const error = warned ? new CommitInDoubtError() : null;
    warned = false;
    return error;
  };
  return (config, values, callback) => {
    if (callback) {
      return query(config, values, (error, result) => {
        const inDoubt = doubt();
        callback(error ?? inDoubt, result);
      });
    }
    const answer = query(config, values);
    if (!(answer instanceof Promise)) return answer;
    return answer.then((result) => {
      const inDoubt = doubt();
      if (inDoubt) throw inDoubt;
      return result;
    });
  };
}

/**
 * Runs a statement without its name where names break, and once more where that shows only now. That is no second
 * attempt: the server has refused to prepare or to find it, and so has run nothing.
 */
function withoutBrokenNames(query: Query, names: StatementNames | undefined): Query {
  if (!names) return query;
  return (config, values, callback) => {
    if (!isNamed(config)) return query(config, values, callback);
    const unnamed = () => query({ ...config, name: undefined }, values, callback);
    if (!names.areCarried) return unnamed();
    if (!callback) {
      const answer = query(config, values) as Promise<unknown>;
      return answer.catch((error) => {
        if (!names.giveUpOn(error)) throw error;
        return unnamed();
      });
    }
    return query(config, values, (error, result) => {
      if (names.giveUpOn(error)) unnamed();
      else callback(error, result);
    });
  };
}

function isNamed(config: unknown): config is QueryConfig {
  return typeof config === 'object' && config !== null && (config as QueryConfig).name !== undefined;
}
