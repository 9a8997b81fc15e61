/** One connection's part of an access request: reads the located records and hands them, counted, to the package. */
import { Injectable } from '@nestjs/common';
import type { Job, JobContext, JobResult } from '#jobs';
import { CaseFile } from '../case-file.js';
import type { DataRecord, Item } from './connected.js';
import { SystemCalls } from './connected-systems.js';
import { exclusionsOf } from '../plan/exclusion.js';
import { toTarget } from './kept-target.js';
import type { DatasetOutcome } from './outcome.js';
import { PackageBuilder } from '../ports.js';
import { fact, LETHE_ITSELF } from '../request.js';
import { Requests } from '../requests.js';
import { aboutOf, beginAttempt, failureResult, finishAttempt, revisionOf, type Attempt } from './step-run.js';

@Injectable()
export class ReadStep {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly calls: SystemCalls,
    private readonly packages: PackageBuilder,
  ) {}

  async run(job: Job<{ requestId: string; stepId: string }>, context: JobContext): Promise<JobResult> {
    const attempt = await beginAttempt(this.requests, job, context);
    if (!attempt) return { kind: 'done' };
    try {
      return await this.read(attempt);
    } catch (error) {
      return failureResult(error);
    }
  }

  private async read(attempt: Attempt): Promise<JobResult> {
    const { job, state, step, context } = attempt;
    const { tenant } = job;
    const kept = await this.file.targets(tenant, state.id, step);
    // What is read again is another question: a system that answers by tasks has thrown the records of its answer away.
    const question = step.readAgain ? step.jobId : (state.plan?.planId ?? state.id);
    const itemKey = this.file.itemKey(tenant, question, step.stepId, job.generation);
    const details = state.plan ? await this.file.details(tenant, state.plan) : { identifiers: [] };
    const exclusions = await exclusionsOf(this.file, tenant, state);
    const except = exclusions.flatMap((one) =>
      one.connectionId === step.connectionId && one.identifierType ? [one.identifierType] : [],
    );
    const ids = details.identifiers
      .filter((one) => !except.includes(one.type))
      .map(({ type, value, strength }) => ({ type, value, strength }));
    const items: Item[] = [{ itemKey, generation: job.generation, ids }];
    const at = kept.map((target) => toTarget(target, itemKey));
    // Lethe's own records are put in by the package itself.
    const records =
      step.connectionId === LETHE_ITSELF
        ? none()
        : this.calls.read(tenant, step.connectionId, items, at, {
            signal: context.signal,
            about: aboutOf(attempt),
            ...revisionOf(attempt),
          });
    const counts = await this.packages.collect(tenant, state, {
      stepId: step.stepId,
      connectionId: step.connectionId,
      connectionName: nameOf(state.plan?.head, step.connectionId),
      itemKey,
      records,
    });
    const base = { requestId: state.id, stepId: step.stepId, connectionId: step.connectionId };
    const outcomes = step.datasets.map((dataset): DatasetOutcome => {
      const targets = kept.flatMap((target, index) => (target.dataset === dataset ? [index] : []));
      const count = step.connectionId === LETHE_ITSELF ? targets.length : (counts[dataset] ?? 0);
      // A record that went away since is no failure; one that is there and was not read would be, and the count shows it.
      return { dataset, kind: count > 0 ? 'provided' : 'not-found', count, targets };
    });
    return finishAttempt(this.requests, attempt, () => ({
      events: [
        ...outcomes.map((outcome) =>
          fact('TargetOutcomeRecorded.v1', { ...base, generation: job.generation, ...outcome }),
        ),
        fact('StepFinished.v1', { ...base, isolation: null }),
      ],
    }));
  }
}

async function* none(): AsyncIterable<DataRecord> {}

function nameOf(head: unknown, connectionId: string): string {
  const systems = (head as { systems?: { connectionId: string; name: string }[] } | undefined)?.systems;
  return systems?.find((one) => one.connectionId === connectionId)?.name ?? connectionId;
}
