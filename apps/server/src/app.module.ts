/** The list of domain modules. */
import { Module, type DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AccessLogModule } from '#access-log';
import { ConnectorsModule } from '#connectors';
import { ConsentModule } from '#consent';
import { InboxModule } from '#inbox';
import { JobsModule } from '#jobs';
import { NotificationsModule } from '#notifications';
import { PlatformModule, type PlatformParts } from '#platform';
import { PropagationModule } from '#propagation';
import { RequestsModule } from '#requests';
import { RetentionModule } from '#retention';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { ChoresModule } from './chores.js';
import { HealthController } from './health.controller.js';
import { LedgerController } from './ledger.controller.js';
import { OpenWorkModule } from './open-work.js';
import { RetentionSystemsModule } from './retention-systems.js';
import { SuppressionKeepingModule } from './suppression-keeping.js';

/** Every domain, in downhill order. */
export const domains = [
  JobsModule,
  TenancyModule,
  SubjectsModule,
  ConsentModule,
  AccessLogModule.judgedBy(ConsentModule),
  ConnectorsModule,
  InboxModule,
  PropagationModule,
  RetentionModule.over(RetentionSystemsModule),
  RequestsModule,
  OpenWorkModule,
  SuppressionKeepingModule,
  NotificationsModule,
  ChoresModule,
];

@Module({})
export class AppModule {
  static with(parts: PlatformParts): DynamicModule {
    return {
      module: AppModule,
      imports: [CqrsModule.forRoot(), PlatformModule.with(parts), ...domains],
      controllers: [HealthController, LedgerController],
    };
  }
}
