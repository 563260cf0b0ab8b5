// Attacks a running deployment that you own: npm run attack -- http://localhost:3000
// Exit codes: 0 nothing is vulnerable; 1 something is; 64 wrong use, or no accounts to attack with; 69 nothing answers there;
// 130 stopped by Ctrl-C.
import { isIPv4 } from 'node:net';
import { parseArgs } from 'node:util';
import { Account, CannotBegin, register } from './accounts.js';
import { Skipped, Vulnerable } from './outcome.js';
import { attackAll } from './suite.js';
import { Target } from './target.js';

const EXIT = { held: 0, vulnerable: 1, usage: 64, unavailable: 69, interrupted: 130 };
const USAGE = `npm run attack -- <url> [options]

Attacks the Gatehouse at <url> and reports what held. Everything it does is bounded: some 500 requests.

  --account email:password  one of two throw-away accounts (give it twice); without, two are registered and removed
  --limits-off              the server's limits on guessing are off on purpose: do not report that
  --i-own-this-host         attack a host that is not this machine
  --json                    print JSON
  --help`;

class UsageError extends Error {}

/** Aborted by the first Ctrl-C: the attack that is under way ends, and what was made is removed. */
const interrupted = new AbortController();

/** npm passes a Ctrl-C on that the terminal has sent already, so only one that comes later ends everything. */
function stopInOrder() {
  if (interrupted.signal.aborted) return;
  process.stderr.write('Stopping and removing the accounts; once more to leave them.\n');
  interrupted.abort();
  setTimeout(() => process.once('SIGINT', () => process.exit(EXIT.interrupted)), 1000).unref();
}

/** What the command line asks for. @param {string[]} args */
function readArguments(args) {
  const options = /** @type {const} */ ({
    account: { type: 'string', multiple: true },
    'limits-off': { type: 'boolean', default: false },
    'i-own-this-host': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  const { values, positionals } = parse(() => parseArgs({ args, options, allowPositionals: true }));
  const [url = '', ...others] = positionals;
  if (values.help) return { ...values, url, accounts: [] };
  if (others.length > 0 || !/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw new UsageError('Name one deployment by its URL, such as http://localhost:3000.');
  const { hostname } = new URL(url);
  if (!isLoopback(hostname) && !values['i-own-this-host'])
    throw new UsageError(`${hostname} is not this machine. Attack only what you own, and say so: --i-own-this-host`);
  const accounts = (values.account ?? []).map((text) => text.split(/:(.*)/s).slice(0, 2));
  if (![0, 2].includes(accounts.length) || accounts.some(([email, password]) => !email || !password))
    throw new UsageError('Give --account email:password twice, or not at all.');
  if (accounts.length === 2 && accounts[0]?.[0]?.toLowerCase() === accounts[1]?.[0]?.toLowerCase())
    throw new UsageError('Give two different accounts: one attacks the other.');
  return { ...values, url, accounts };
}

/** @template T @param {() => T} read @returns {T} */
function parse(read) {
  try {
    return read();
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

/** @param {string} hostname As a URL has it. */
function isLoopback(hostname) {
  return hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
}

/** @param {ReturnType<typeof readArguments>} asked */
async function attack({ url, accounts, json, 'limits-off': limitsOff }) {
  const target = new Target(url);
  /** @type {Account[]} */
  const ours = [];
  /** @type {import('./suite.js').Result[]} */
  const results = [];
  try {
    const given = accounts.map(([email = '', password = '']) => new Account(target, email, password, false));
    for (const account of given) await account.check();
    while (given.length + ours.length < 2) ours.push(await register(target));
    const [alice, bob] = /** @type {[Account, Account]} */ ([...given, ...ours]);
    const made = (/** @type {string} */ email, /** @type {string} */ password) =>
      void ours.push(new Account(target, email, password, true));
    await attackAll({ target, alice, bob, limitsOff, made }, interrupted.signal, (result) => {
      results.push(result);
      if (!json) process.stdout.write(describe(result, results.at(-2)?.category));
    });
  } finally {
    for (const account of ours) if (!(await account.remove().catch(() => false))) leave(account);
  }
  return { target: target.url, requests: target.requests, ...count(results), attacks: results };
}

/** @param {Account} account */
function leave({ email }) {
  process.stderr.write(`The account ${email} could not be removed: remove it by hand.\n`);
}

const MARKS = { held: 'held      ', vulnerable: 'VULNERABLE', skipped: 'skipped   ' };

/** @param {import('./suite.js').Result} result @param {string | undefined} formerCategory */
function describe({ category, name, outcome, detail }, formerCategory) {
  const heading = category === formerCategory ? '' : `\n${category[0]?.toUpperCase()}${category.slice(1)}\n`;
  return `${heading}  ${MARKS[outcome]}  ${name}\n${detail === null ? '' : `              ${detail}\n`}`;
}

/** @param {import('./suite.js').Result[]} results */
function count(results) {
  const of = (/** @type {string} */ outcome) => results.filter((result) => result.outcome === outcome).length;
  return { held: of('held'), vulnerable: of('vulnerable'), skipped: of('skipped') };
}

/** @param {string[]} args @returns {Promise<number>} The exit code. */
async function main(args) {
  try {
    const asked = readArguments(args);
    if (asked.help) {
      process.stdout.write(`${USAGE}\n`);
      return EXIT.held;
    }
    const report = await attack(asked);
    const { held, vulnerable, skipped, requests } = report;
    process.stdout.write(
      asked.json
        ? `${JSON.stringify(report, null, 2)}\n`
        : `\n${held} held, ${vulnerable} vulnerable, ${skipped} skipped; ${requests} requests.\n`,
    );
    if (interrupted.signal.aborted) return EXIT.interrupted;
    return vulnerable > 0 ? EXIT.vulnerable : EXIT.held;
  } catch (error) {
    if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${USAGE}\n`);
    else if (error instanceof CannotBegin) process.stderr.write(`${error.message}\n`);
    // Before the first attack, a fault or a rate limit ends the run.
    else if (error instanceof Vulnerable || error instanceof Skipped) {
      process.stderr.write(`${error.message}\n`);
      return EXIT.unavailable;
    } else throw error;
    return EXIT.usage;
  }
}

process.on('SIGINT', stopInOrder);
process.exitCode = await main(process.argv.slice(2));
