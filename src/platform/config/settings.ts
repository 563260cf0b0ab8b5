import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, ConfigError, loadConfig, projectRoot } from './config.js';
import { type EnvFile, parseEnvFile } from './env-file.js';
import { quotedInEnvironment, unknownInEnvironment, unknownInFile } from './setting-names.js';

/** The settings of a process, and what is odd about where they come from, one sentence each. */
export interface Settings {
  config: Config;
  notes: string[];
}

/** Where settings are read from. */
interface SettingsPlace {
  /** The environment, which gets what it lacks. */
  source: NodeJS.ProcessEnv;
  /** Else the `.env` beside package.json. */
  file?: string;
  /** What holds where neither says anything. */
  standard?: NodeJS.ProcessEnv;
}

/**
 * Reads the settings from `.env` and the environment, which wins, and leaves them in the environment for the processes that
 * this one starts. Throws ConfigError that lists every fault, and first of all those of the file.
 */
export function readSettings({ source, file = join(projectRoot(), '.env'), standard = {} }: SettingsPlace): Settings {
  // The servers under test are told everything by their tests.
  const { values, lines } = source.NODE_ENV === 'test' ? NOTHING : readEnvFile(file);
  const notes = [...unknownInFile(lines), ...unknownInEnvironment(source), ...quotedInEnvironment(source)];
  for (const [name, value] of Object.entries(values)) source[name] ??= value;
  try {
    return { config: loadConfig({ ...standard, ...source }), notes };
  } catch (error) {
    // A misspelt name may be why another one is missing.
    throw error instanceof ConfigError ? new ConfigError([...error.faults, ...notes]) : error;
  }
}

const NOTHING: Pick<EnvFile, 'values' | 'lines'> = { values: {}, lines: {} };

function readEnvFile(file: string): typeof NOTHING {
  // One that is a link to nothing is there, and cannot be read.
  if (!lstatSync(file, { throwIfNoEntry: false })) return NOTHING;
  const read = parseEnvFile(bytesOf(file));
  if (read.faults.length > 0) throw new ConfigError(read.faults);
  return read;
}

function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError([`${file} is there and cannot be read (${(error as NodeJS.ErrnoException).code}).`]);
  }
}
