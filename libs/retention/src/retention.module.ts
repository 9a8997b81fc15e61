/** Wires retention over the connected systems that the server hands in. */
import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { ApprovePlanHandler } from './plan/approve-plan.js';
import { DefinePolicyHandler } from './define-policy.js';
import { DraftPlan } from './plan/draft-plan.js';
import { HeldRecords } from './hold/held-records.js';
import { Holds } from './hold/holds.js';
import { HoldsController } from './hold/holds.controller.js';
import { Keepers } from './hold/keepers.js';
import { ListHolds } from './hold/list-holds.js';
import { MakePlanHandler } from './plan/make-plan.js';
import { HoldRules } from './hold/hold-rules.js';
import { PlaceHoldHandler } from './hold/place-hold.js';
import { Plans } from './plan/plans.js';
import { ReleaseHoldHandler } from './hold/release-hold.js';
import { RetentionBatches } from './plan/retention-batches.js';
import { RetentionController } from './retention.controller.js';
import { RetentionRules } from './retention-rules.js';
import { RetentionDeadJobs, RetentionWorker } from './retention.worker.js';
import { RunBatch, RunSources } from './plan/run-batch.js';

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
