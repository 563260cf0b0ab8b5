import { connectProbe, type Probe } from './probe.js';

/** What a connection to the database can carry. */
export interface Pooling {
  /** Whether a pooler answers in the place of Postgres. PgBouncer refuses every start-up parameter that it does not know. */
  pooled: boolean;
  /** Whether a statement that was prepared by name is found again. */
  namedStatements: boolean;
}

/** Under the traffic of others a transaction pooler may give everybody the same connection again, for a while. */
const ROUNDS = 3;

/**
 * Looks whether a pooler stands before the database and whether it carries named statements, by trying: one connection and
 * one statement where there is none, else a second connection and at most 19 statements. Throws the driver's error where
 * the database cannot be reached.
 */
export async function detectPooling(
  url: string,
  connect: (url: string) => Promise<Probe> = connectProbe,
): Promise<Pooling> {
  const first = await connect(url);
  try {
    // Postgres names its process when a connection starts. A pooler has to make one up, or could not pass on a cancel.
    if ((await first.backend('unnamed')) === first.announced) return { pooled: false, namedStatements: true };
    return { pooled: true, namedStatements: await carriesNames(first, () => connect(url)) };
  } finally {
    await first.end();
  }
}

/** What cannot be proven is not used: a pooler that is full has no second connection to prove it with. */
async function carriesNames(first: Probe, connect: () => Promise<Probe>): Promise<boolean> {
  const second = await connect().catch(() => null);
  if (!second) return false;
  try {
    return await areNamesFound(first, second);
  } catch {
    return false;
  } finally {
    await second.end();
  }
}

/**
 * Prepares a statement and runs it where it was not prepared. Only a transaction pooler has such a place: between two
 * statements it gives the server's connection away, so the second client holds that in a transaction. Where each keeps its
 * own in every round, they are not shared. Throws what the server says where names break.
 */
async function areNamesFound(first: Probe, second: Probe): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round++) {
    const home = await first.backend('named');
    if ((await first.backend('named')) !== home) return true;
    await second.begin();
    if ((await second.backend('named')) === home) return true;
    if ((await first.backend('named')) !== home) return true;
    await second.rollback();
  }
  return true;
}
