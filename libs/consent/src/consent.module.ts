/** Wires consent. */
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AccessVerdicts } from '#access-log';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { AnnounceExpiries, ExpiryChore } from './announce-expiries.js';
import { ConsentVerdicts } from './access-verdicts.js';
import { ConsentCheck } from './check-consent.js';
import { ConsentController } from './consent.controller.js';
import { ConsentFeed } from './consent-feed.js';
import { ConsentHistory } from './consent-history.js';
import { ConsentRecords } from './consent-records.js';
import { DefinePurposeHandler } from './define-purpose.js';
import { PublishNoticeHandler } from './publish-notice.js';
import { PurposeVerdicts } from './purpose-verdicts.js';
import { Purposes } from './purposes.js';
import { ConsentRules } from './consent-rules.js';
import { ReadPosition } from './read-position.js';
import { ReceiptSources } from './receipt-sources.js';
import { RecordConsentHandler } from './record-consent.js';
import { RememberObjections } from './remember-objections.js';
import { StopPurposes } from './stop-purposes.js';

@Module({
  imports: [CqrsModule, SubjectsModule, TenancyModule],
  controllers: [ConsentController],
  providers: [
    ConsentFeed,
    ConsentRecords,
    PurposeVerdicts,
    ConsentCheck,
    ReadPosition,
    ConsentHistory,
    ReceiptSources,
    ConsentRules,
    Purposes,
    DefinePurposeHandler,
    PublishNoticeHandler,
    StopPurposes,
    RememberObjections,
    AnnounceExpiries,
    ExpiryChore,
    RecordConsentHandler,
    { provide: AccessVerdicts, useClass: ConsentVerdicts },
  ],
  exports: [
    AccessVerdicts,
    ConsentCheck,
    ConsentHistory,
    ConsentRecords,
    Purposes,
    PurposeVerdicts,
    RememberObjections,
    StopPurposes,
  ],
})
export class ConsentModule {}
