/** The end of a case file, whatever became of its request, three years after the year of its close; then whom it alone knew. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, TenantId } from '#kernel';
import { done, later, type Job, type JobResult } from '#jobs';
import { dateInZone } from '#law';
import { CLOCK } from '#platform';
import { dayAfter, LOOK_MS } from '../course/request-jobs.js';
import { evidenceUntil } from '../evidence.js';
import { PackageFolder } from '../package/package-folder.js';
import type { AftercareState, RequestState } from '../request-state.js';
import { LETHE_ITSELF } from '../request.js';
import { Requests } from '../requests.js';
import { CaseFiles, isToGo } from './case-files.js';
import { KeepingRules } from './connected-systems.js';
import { failureResult } from './step-run.js';

const DAY_MS = 86_400_000;

@Injectable()
export class EndCaseFile {
  constructor(
    private readonly requests: Requests,
    private readonly files: CaseFiles,
    private readonly rules: KeepingRules,
    private readonly packages: PackageFolder,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async run({ tenant, payload }: Job<{ requestId: string }>): Promise<JobResult> {
    try {
      const state = await this.requests.load(tenant, payload.requestId);
      const next = state.fileEnded ? undefined : await this.waitUntil(tenant, state, this.clock.now());
      if (next) return later(next);
      if (!(await this.files.announceEnd(tenant, state))) return later(this.after(DAY_MS));
      await this.files.destroy(tenant, state);
      // What was read for a package that was never built: sealed under the key that went.
      await this.packages.remove({ tenant, requestId: state.id });
      return await this.forgetPerson(tenant, state);
    } catch (error) {
      return failureResult(error);
    }
  }

  /** An erasure told its own day for the file, which ends with that group of it. */
  private async waitUntil(tenant: TenantId, state: RequestState, now: Date): Promise<Date | undefined> {
    const { status, aftercare, closedAt = now.toISOString(), timeZone } = state;
    const open = aftercare.filter(isToGo);
    if (status !== 'closed' || open.length > 0) return this.afterGroups(open, timeZone);
    const end = dayAfter(evidenceUntil(dateInZone(new Date(closedAt), timeZone)), timeZone);
    if (end > now) return end;
    const people = await this.files.peopleOf(tenant, state);
    const about = { connectionId: LETHE_ITSELF, dataset: 'cases' };
    const holds = await Promise.all(people.map((subject) => this.rules.hold(tenant, { subject, ...about })));
    return holds.some((hold) => hold !== undefined) ? this.after(LOOK_MS) : undefined;
  }

  /** Whom a request has registered is kept no longer than requests need her (GDPR 5(1)(e)), or a hold that names her. */
  private async forgetPerson(tenant: TenantId, state: RequestState): Promise<JobResult> {
    const isKnown = await this.files.isKnown(tenant, state);
    if (isKnown) return done();
    if (isKnown === undefined || (await this.rules.isNamed(tenant, [state.subjectId])))
      return later(this.after(LOOK_MS));
    await this.files.forget(tenant, state.subjectId);
    return done();
  }

  /** Not before the last day that was told; daily from then on, and where none was. */
  private afterGroups(open: readonly AftercareState[], timeZone: string): Date {
    const last = open
      .flatMap(({ until }) => until ?? [])
      .sort()
      .at(-1);
    const tomorrow = this.after(DAY_MS);
    const told = last === undefined ? tomorrow : dayAfter(last, timeZone);
    return told > tomorrow ? told : tomorrow;
  }

  private after(milliseconds: number): Date {
    return new Date(this.clock.now().getTime() + milliseconds);
  }
}
