import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/** The APP_SECRET of every server under test, unless a test says otherwise. */
export const APP_SECRET = 'only-for-tests-0123456789-abcdefghijklmnop';

/** Settings that make tests quick; nothing here weakens a check. */
const QUICK = {
  NODE_ENV: 'test',
  PORT: '0',
  HOST: '127.0.0.1',
  PUBLIC_URL: 'http://gatehouse.test',
  BCRYPT_COST: '4',
  RATE_LIMITS: 'off',
  LOG_LEVEL: 'warn',
  SHUTDOWN_DELAY: '0s',
  LOG_FORMAT: 'json',
  APP_SECRET,
};

/**
 * The settings of a server under test, with a folder of its own. `env` overrides QUICK; undefined removes a setting.
 * In JavaScript, because Jest loads the global setup as it is.
 */
export function settingsOf(/** @type {Record<string, string | undefined>} */ env) {
  const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-data-'));
  return {
    settings: { DATA_DIR: dataDir, ...QUICK, ...env },
    removeFolder: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** Runs the built server in a process of its own. */
export function spawnServer(/** @type {Record<string, string | undefined>} */ env) {
  const { settings, removeFolder } = settingsOf(env);
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH, HOME, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { child, removeFolder };
}

/**
 * The address of a server, once it serves. Throws with its output where it ends before.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<string>}
 */
export function addressOf(child) {
  let output = '';
  return new Promise((resolve, reject) => {
    const listen = (/** @type {Buffer} */ chunk) => {
      output += chunk;
      const address = /serves on (http:\S+)/.exec(output)?.[1];
      if (!address) return;
      child.stdout?.off('data', listen);
      resolve(address);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', (chunk) => {
      output += chunk;
    });
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}:\n${output}`)));
    child.once('error', reject);
  });
}
