import { Module } from '@nestjs/common';
import { RevocationList } from './revocation-list.js';
import { Revocations } from './revocations.service.js';

/** What is refused although its signature verifies. */
@Module({
  providers: [RevocationList, Revocations],
  exports: [Revocations],
})
export class RevocationModule {}
