import type { Config } from '../platform/config/config.js';
import { readSettings } from '../platform/config/settings.js';

/** The settings, read as the server reads them. */
export function readConfig(): Config {
  return readSettings({ source: process.env, ...QUIET }).config;
}

/** The settings for the doctor, and what is odd about where they come from. */
export function readConfigWithNotes() {
  return readSettings({ source: process.env, ...QUIET });
}

/** A command says what it has to say itself. */
const QUIET = { standard: { LOG_LEVEL: 'warn' } };
