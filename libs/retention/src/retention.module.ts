/** Wires retention over the connected systems that the server hands in. */
import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { ApprovePlanHandler } from './approve-plan.js';
import { DefinePolicyHandler } from './define-policy.js';
import { DraftPlan } from './draft-plan.js';
import { HeldRecords } from './held-records.js';
import { Holds } from './holds.js';
import { HoldsController } from './holds.controller.js';
import { Keepers } from './keepers.js';
import { ListHolds } from './list-holds.js';
import { MakePlanHandler } from './make-plan.js';
import { HoldRules } from './hold-rules.js';
import { PlaceHoldHandler } from './place-hold.js';
import { Plans } from './plans.js';
import { ReleaseHoldHandler } from './release-hold.js';
import { RetentionBatches } from './retention-batches.js';
import { RetentionController } from './retention.controller.js';
import { RetentionRules } from './retention-rules.js';
import { RetentionDeadJobs, RetentionWorker } from './retention.worker.js';
import { RunBatch, RunSources } from './run-batch.js';

const handlers = [DefinePolicyHandler, MakePlanHandler, ApprovePlanHandler, PlaceHoldHandler, ReleaseHoldHandler];

@Module({})
export class RetentionModule {
  /** @param systems the module that provides `RetentionSystems` */
  static over(systems: NonNullable<ModuleMetadata['imports']>[number]): DynamicModule {
    return {
      module: RetentionModule,
      imports: [CqrsModule, SubjectsModule, TenancyModule, systems],
      controllers: [RetentionController, HoldsController],
      providers: [
        ...[RetentionRules, HoldRules, Holds, Keepers, HeldRecords, ListHolds, DraftPlan, Plans, RetentionBatches],
        ...[RunSources, RunBatch, RetentionDeadJobs, RetentionWorker],
        ...handlers,
      ],
      exports: [Holds, RetentionRules],
    };
  }
}
