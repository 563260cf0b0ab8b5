import { Global, Module } from '@nestjs/common';
import type { Config } from './config.js';

/** The injection token of the frozen settings. */
export const CONFIG = Symbol('CONFIG');

/** Gives the settings, read before Nest starts, to every module. */
@Global()
@Module({})
export class ConfigModule {
  static with(config: Config) {
    return { module: ConfigModule, providers: [{ provide: CONFIG, useValue: config }], exports: [CONFIG] };
  }
}
