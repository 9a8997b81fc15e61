/** The list of domain modules. */
import { Module, type DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { AccessLogModule } from '#access-log';
import { ConnectorsModule } from '#connectors';
import { ConsentModule } from '#consent';
import { PlatformModule, type PlatformParts } from '#platform';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { HealthController } from './health.controller.js';
import { LedgerController } from './ledger.controller.js';

/** Every domain, in downhill order. */
export const domains = [
  TenancyModule,
  SubjectsModule,
  ConsentModule,
  AccessLogModule.judgedBy(ConsentModule),
  ConnectorsModule,
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
