/** Wires the access log. The verdict comes from consent, which provides `AccessVerdicts`. */
import { Module, type DynamicModule, type ModuleMetadata, type OnModuleInit } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Subscriptions } from '#ledger';
import { AccessRecorder } from '#platform';
import { SubjectsModule } from '#subjects';
import { AccessLogController } from './access-log.controller.js';
import { AccessSourcesController } from './access-sources.controller.js';
import { AccessSources, AccessSourcesProjection } from './access-sources.js';
import { LetheReads } from './lethe-reads.js';
import { ReportAccessesHandler } from './report-accesses.js';
import { AccessSearch } from './search-accesses.js';

@Module({})
export class AccessLogModule implements OnModuleInit {
  constructor(private readonly subscriptions: Subscriptions) {}

  /** @param above the module that provides `AccessVerdicts` */
  static judgedBy(above: NonNullable<ModuleMetadata['imports']>[number]): DynamicModule {
    return {
      module: AccessLogModule,
      imports: [CqrsModule, SubjectsModule, above],
      controllers: [AccessLogController, AccessSourcesController],
      providers: [
        AccessSearch,
        AccessSources,
        LetheReads,
        { provide: AccessRecorder, useExisting: LetheReads },
        ReportAccessesHandler,
      ],
      exports: [AccessSearch, AccessRecorder],
    };
  }

  onModuleInit(): void {
    this.subscriptions.project(new AccessSourcesProjection());
  }
}
