import { Global, Module } from '@nestjs/common';
import { Audit } from './audit.service.js';

/** Who did what to whom, from where. */
@Global()
@Module({ providers: [Audit], exports: [Audit] })
export class AuditModule {}
