import { isIP } from 'node:net';
import { plainAddress } from '../platform/common/address.js';
import { isAtHome, plainOnNetwork, undeclaredProduction } from '../platform/config/exposure.js';
import { ChannelError } from '../platform/database/feed/bell.js';
import { describeOffset, NOTABLE, UNFIT } from '../platform/database/feed/clock-watch.js';
import { type ClientAddress, clientAddressOf, proxyTest } from '../platform/http/client-address.js';

/** What the doctor has to say about one thing. */
export interface Check {
  /** `fault`: something does not work, or protects no one. `warning`: it works, but not as a deployment should. */
  level: 'fault' | 'warning' | 'fine';
  /** What is so, and what to do about it. */
  text: string;
}

/** What the doctor looks at. */
export interface DeploymentReport {
  production: boolean;
  host: string;
  publicUrl: string;
  /** What is odd about where the settings come from, one sentence each. */
  settingNotes: readonly string[];
  appSecret: string | undefined;
  smtpUrl: string | undefined;
  trustedProxies: readonly string[];
  rateLimits: boolean;
  /** What connections to the database lay open, a sentence each. */
  databaseInTheClear: readonly string[];
  database:
    | Unreachable
    | {
        /** By how many ms its clock is ahead of ours. */ clockOffset: number;
        migrationsPending: boolean;
        /** What is wrong with the schemas in which names are looked up, a sentence each. */
        weakSchemas: readonly string[];
        /** What is wrong with sessions behind a pooler, in a sentence, or null. */ unfitSettings: string | null;
        /** Whether a notification came back; null with REVOCATION_FEED=poll, which needs none. */
        notificationsArrive: boolean | Unreachable | null;
        /** What is wrong with the owner of the audit log, in a sentence, or null. */ auditLog: string | null;
      };
}

/** What could not be asked, and the sentence that says why. */
export interface Unreachable {
  unreachable: string;
}

/** Words of a secret that was copied from an example. */
const EXAMPLE =
  /change[-_ ]?me|example|replace|your[-_ ]|secret|password|only[-_ ]for|test|0123456789|abcdefgh|qwerty/i;
/** Milliseconds up to which two clocks have the same time. */
const SAME_TIME = 1_000;
/** Networks wider than this are not a proxy's: bits of the prefix. */
const NARROW_ENOUGH = { 4: 8, 6: 16 };
/** Bits of ::ffff:0:0, within which every IPv4 address has an IPv6 one. */
const MAPPED = 96;

/** Examines a deployment and says what is wrong with it, the worst first. */
export function examine(symptoms: DeploymentReport): Check[] {
  const findings = [
    ...ofProxies(symptoms),
    ...ofSecret(symptoms),
    ...ofMail(symptoms),
    ...ofDatabase(symptoms.database),
    ...symptoms.databaseInTheClear.map((text): Check => ({ level: 'warning', text })),
    ...ofExposure(symptoms),
    ...symptoms.settingNotes.map((text): Check => ({ level: 'warning', text })),
  ];
  const order = ['fault', 'warning', 'fine'];
  return findings.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

function ofProxies({ publicUrl, trustedProxies }: DeploymentReport): Check[] {
  const tooTrusting = trustsTooMany(trustedProxies);
  if (tooTrusting !== null) return [{ level: 'fault', text: tooTrusting }];
  const unnamed = namesNoProxy(publicUrl, trustedProxies);
  if (unnamed !== null) return [{ level: 'warning', text: unnamed }];
  if (trustedProxies.length === 0) return [fine('TRUSTED_PROXIES is empty: the address of a client is its socket’s.')];
  return [fine(`TRUSTED_PROXIES is narrow enough: ${trustedProxies.join(', ')}.`)];
}

/** What is wrong with an empty TRUSTED_PROXIES where something must end TLS in front of us, or null. */
export function namesNoProxy(publicUrl: string, trusted: readonly string[]): string | null {
  if (trusted.length > 0 || !publicUrl.startsWith('https:')) return null;
  return 'TRUSTED_PROXIES is empty, but PUBLIC_URL is https, so a proxy ends TLS: all clients have its one address and share one limit. Name the proxy.';
}

/** What is wrong with a TRUSTED_PROXIES that trusts more than proxies, or null. */
export function trustsTooMany(trusted: readonly string[]): string | null {
  const wide = trusted.filter(isTooWide);
  if (wide.length === 0) return null;
  return `TRUSTED_PROXIES trusts ${wide.join(', ')}: anybody there can pretend to be any address, and so escape every limit. Name your proxies only.`;
}

function isTooWide(network: string): boolean {
  const [address = '', prefix] = network.split('/');
  if (prefix === undefined || isIP(address) === 0) return false;
  if (isIP(plainAddress(address) ?? '') === 4) {
    const outside = isIP(address) === 6 ? MAPPED : 0;
    return Number(prefix) - outside < NARROW_ENOUGH[4];
  }
  return Number(prefix) < NARROW_ENOUGH[6];
}

function ofSecret({ appSecret, production }: DeploymentReport): Check[] {
  if (appSecret === undefined) {
    const text = 'APP_SECRET is not set: one was made for this machine only. Set it before there is a second one.';
    return [{ level: production ? 'fault' : 'warning', text }];
  }
  if (!EXAMPLE.test(appSecret)) return [fine('APP_SECRET looks random.')];
  const text =
    'APP_SECRET looks like one from an example. An attacker who knows it can forge tokens: try `openssl rand -base64 48`.';
  return [{ level: production ? 'fault' : 'warning', text }];
}

function ofMail({ smtpUrl, production, ...place }: DeploymentReport): Check[] {
  if (smtpUrl !== undefined) return [fine('SMTP_URL is set.')];
  if (!production && isAtHome(place)) return [fine('SMTP_URL is not set: mails are shown at /dev/outbox.')];
  return [{ level: 'warning', text: 'SMTP_URL is not set: nobody can reset a password, because no mail is sent.' }];
}

function ofDatabase(database: DeploymentReport['database']): Check[] {
  if ('unreachable' in database) return [{ level: 'fault', text: database.unreachable }];
  const findings = [ofClock(database.clockOffset), ofNotifications(database.notificationsArrive)];
  findings.push(...ofSchemas(database.weakSchemas));
  if (database.unfitSettings !== null) findings.push({ level: 'fault', text: database.unfitSettings });
  if (database.auditLog !== null) findings.push({ level: 'warning', text: database.auditLog });
  findings.push(
    database.migrationsPending
      ? {
          level: 'fault',
          text: 'The schema of the database is older than this build. Start the server once: it migrates.',
        }
      : fine('The schema of the database is up to date.'),
  );
  return findings;
}

function ofSchemas(weak: readonly string[]): Check[] {
  if (weak.length === 0) return [fine('No other role may create where our statements look names up.')];
  return weak.map((text) => ({ level: 'fault', text }));
}

function ofClock(offset: number): Check {
  if (Math.abs(offset) <= SAME_TIME) return fine('This machine and the database have the same time.');
  if (Math.abs(offset) <= NOTABLE) return fine('This machine and the database have the same time within 5 s.');
  const text = `The clock of this machine is ${describeOffset(offset)} the database’s. Let NTP set both.`;
  return { level: Math.abs(offset) > UNFIT ? 'fault' : 'warning', text };
}

function ofNotifications(arrive: boolean | Unreachable | null): Check {
  if (arrive === null) return fine('REVOCATION_FEED is poll: changes are looked for four times a second.');
  if (typeof arrive === 'object') return { level: 'fault', text: arrive.unreachable };
  if (arrive) return fine('Notifications of the database arrive.');
  return { level: 'fault', text: new ChannelError().message };
}

function ofExposure(report: DeploymentReport): Check[] {
  const { production, publicUrl, rateLimits } = report;
  const findings: Check[] = [];
  const undeclared = undeclaredProduction(report);
  if (undeclared !== null) findings.push({ level: 'fault', text: undeclared });
  const plain = plainOnNetwork(publicUrl);
  if (plain !== null) findings.push({ level: production ? 'fault' : 'warning', text: plain });
  else if (production && !publicUrl.startsWith('https:'))
    findings.push({
      level: 'fault',
      text: 'PUBLIC_URL is not https: passwords and tokens travel in the clear. Put TLS in front and set its address.',
    });
  if (!rateLimits)
    findings.push({
      level: production ? 'fault' : 'warning',
      text: 'RATE_LIMITS is off: passwords can be guessed without end. Leave it on.',
    });
  return findings;
}

const fine = (text: string): Check => ({ level: 'fine', text });

/** Tells which address the server sees for a request from `peer` with this X-Forwarded-For, by the server's own rule. */
export function seenAddress(
  peer: string,
  forwardedFor: string | undefined,
  trustedProxies: readonly string[],
): ClientAddress {
  return clientAddressOf(peer, forwardedFor, proxyTest(trustedProxies));
}
