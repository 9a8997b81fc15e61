/** Reads of a request: its state, its plan, its tasks. */
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { notFound, type Clock } from '#kernel';
import { readTroubledJobs } from '#jobs';
import { CLOCK, type Caller } from '#platform';
import { CaseFile } from '../case-file.js';
import { readPlan } from '../plan/plan-record.js';
import type { RequestState } from '../request-state.js';
import { planView, type PlanView } from '../plan/plan-view.js';
import { requestView, taskView, type RequestView, type TaskList } from './request-view.js';
import { Requests } from '../requests.js';

@Injectable()
export class ReadRequest {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async request(by: Caller, id: string): Promise<RequestView> {
    const state = await this.requests.load(by.tenant, id);
    by.saw(state.subjectId, 'request');
    const troubled = await readTroubledJobs(this.requests.store.database, by.tenant, triedJobs(state));
    return requestView(state, this.clock.now(), troubled);
  }

  /** Opens the sealed part: the entry in the access log is written before the answer leaves. */
  async plan(by: Caller, id: string): Promise<PlanView> {
    const state = await this.requests.load(by.tenant, id);
    if (!state.plan) throw notFound('plan');
    by.saw(state.subjectId, 'identifiers', 'plan');
    return planView(await readPlan(this.file, by.tenant, state.plan));
  }

  async tasks(by: Caller, id: string): Promise<z.infer<typeof TaskList>> {
    const state = await this.requests.load(by.tenant, id);
    return { items: state.tasks.map(taskView), next: null };
  }
}

/** Steps that were begun and have no end yet: the officer sees why the last attempt failed, before anybody gives up. */
function triedJobs({ steps }: RequestState): string[] {
  return steps.filter((step) => step.attempts > 0 && !step.finished && !step.failure).map((step) => step.jobId);
}
