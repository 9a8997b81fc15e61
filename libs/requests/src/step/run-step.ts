/** Chooses how a step is run: read, erase in a connection, or erase in Lethe itself. */
import { Injectable } from '@nestjs/common';
import { done, type JobContext, type JobResult } from '#jobs';
import { EraseOwnStep } from './erase-own-step.js';
import { EraseStep } from './erase-step.js';
import { ReadStep } from './read-step.js';
import { LETHE_ITSELF } from '../request.js';
import { Requests } from '../requests.js';
import { stepOf, type StepJob } from './step-run.js';

@Injectable()
export class RunStep {
  constructor(
    private readonly requests: Requests,
    private readonly erase: EraseStep,
    private readonly own: EraseOwnStep,
    private readonly read: ReadStep,
  ) {}

  async run(job: StepJob, context: JobContext): Promise<JobResult> {
    const state = await this.requests.load(job.tenant, job.payload.requestId);
    const step = stepOf(state, job.payload.stepId);
    if (!step) return done();
    if (state.type === 'access') return this.read.run(job, context);
    return step.connectionId === LETHE_ITSELF ? this.own.run(job, context) : this.erase.run(job, context);
  }
}
