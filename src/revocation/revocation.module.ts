import { Module } from '@nestjs/common';
import { ChangeRetention } from './change-retention.js';
import { ChangeWriteBack } from './change-write-back.js';
import { PastChanges } from './past-changes.js';
import { RevocationList } from './revocation-list.js';
import { Revocations } from './revocations.service.js';

/** What is refused although its signature verifies. */
@Module({
  providers: [ChangeRetention, ChangeWriteBack, PastChanges, RevocationList, Revocations],
  exports: [Revocations],
})
export class RevocationModule {}
