import { Global, Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { Audit } from './audit.service.js';
import { AuditChain } from './audit-chain.service.js';
import { AuditRetention } from './audit-retention.service.js';
import { AuditSealer } from './audit-sealer.service.js';
import { AuditVerifier } from './audit-verifier.service.js';

/** Who did what to whom, from where. */
@Global()
@Module({
  controllers: [AuditController],
  providers: [Audit, AuditChain, AuditRetention, AuditSealer, AuditVerifier],
  exports: [Audit, AuditSealer, AuditVerifier],
})
export class AuditModule {}
