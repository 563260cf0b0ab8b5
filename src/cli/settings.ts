import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, loadConfig, projectRoot } from '../platform/config/config.js';

/** The settings, read as the server reads them. */
export function readConfig(): Config {
  const envFile = join(projectRoot(), '.env');
  if (existsSync(envFile)) process.loadEnvFile(envFile);
  return loadConfig({ LOG_LEVEL: 'warn', ...process.env });
}
