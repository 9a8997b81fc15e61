/** Tells a system through its plugin or inbox how a person's decisions stand, and takes its word that it obeys. */
import { Inject, Injectable } from '@nestjs/common';
import { Purposes, PurposeVerdicts } from '#consent';
import type { Clock, SubjectId, TenantId } from '#kernel';
import { dead, done, enqueueIn, later, type Job, type JobContext, type JobResult, type NewJob } from '#jobs';
import { Database } from '#ledger';
import { CLOCK } from '#platform';
import { People } from '#subjects';
import { obeyElsewhere, type ObeyPayload } from './obey-job.js';
import { acknowledged } from './propagation.js';
import { connectionOf, mustObey } from './system.js';
import { Systems } from './systems.js';

/** How one purpose stands for a person. */
export interface StandingDecision {
  purpose: string;
  /** What the consent check answers now. */
  allowed: boolean;
  state: string;
}

/** Somebody a system is told about. */
export interface PersonToTell {
  subject: SubjectId;
  identifiers: { type: string; value: string }[];
  decisions: StandingDecision[];
}

/** What came of telling: `later` when the system takes its time. */
export type Told = { kind: 'obeyed' } | { kind: 'unsupported' } | { kind: 'later'; at: Date };

/** `key` is the same for every attempt; `jobId` is the job that waits, to be woken by the answer, and `signal` its end. */
export interface Telling {
  key: string;
  jobId: string;
  signal: AbortSignal;
}

/** Port to the connectors. */
export abstract class ObeyPort {
  abstract tell(tenant: TenantId, connectionId: string, telling: Telling, person: PersonToTell): Promise<Told>;
}

const ACTOR = 'system:propagation';

@Injectable()
export class TellPeople {
  constructor(
    private readonly people: People,
    private readonly verdicts: PurposeVerdicts,
    private readonly purposes: Purposes,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Withdrawal and objection need no proof (GDPR 7(3), 21(3)): everything she is known by counts, claimed or not. */
  async standing(tenant: TenantId, subject: SubjectId, concerns: (purpose: string) => boolean): Promise<PersonToTell> {
    const person = await this.verdicts.person(tenant, subject, true);
    const moment = { now: this.clock.now().toISOString() };
    const concerned = (await this.purposes.all(tenant)).filter(({ id }) => concerns(id));
    const decisions = await Promise.all(
      concerned.map(async (purpose): Promise<StandingDecision> => {
        const { decision, state } = await this.verdicts.of(tenant, person, purpose, undefined, moment);
        return { purpose: purpose.id, allowed: decision === 'permit' && !person.erased, state };
      }),
    );
    const known = person.erased ? [] : await this.people.identifiersOf(tenant, subject);
    const identifiers = known.flatMap(({ type, value }) => (value === undefined ? [] : [{ type, value }]));
    return { subject, identifiers, decisions };
  }
}

@Injectable()
export class TellSystem {
  constructor(
    private readonly systems: Systems,
    private readonly people: TellPeople,
    private readonly port: ObeyPort,
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * At least once, and in any order: what is told is the state of now, so that a call that was late cannot bring an older
   * decision back. What nobody can be told stays owed, and becomes late. The word of a connection counts for a system that
   * is reached through it: one that was declared anew meanwhile is told through its own, or gives its word by itself.
   */
  async run(job: Job<ObeyPayload>, context: JobContext): Promise<JobResult> {
    const { tenant, id: jobId, payload, generation } = job;
    const { systemId, connectionId, position } = payload;
    const system = await this.systems.find(tenant, systemId);
    const through = system?.status === 'active' ? connectionOf(system) : undefined;
    if (!system || through === undefined) return done();
    if (through !== connectionId) return this.passOn(tenant, obeyElsewhere(system, job));
    const subject = payload.subject as SubjectId;
    const wanted = payload.purpose === null ? undefined : payload.purpose;
    const person = await this.people.standing(tenant, subject, (id) =>
      wanted === undefined ? mustObey(system, id) : id === wanted,
    );
    const key = `obey/${systemId}/${position}/${generation}`;
    // Whoever took this job over may have told something newer since the look.
    await context.heartbeat();
    const { signal } = context;
    const told = await this.port.tell(tenant, connectionId, { key, jobId, signal }, person);
    switch (told.kind) {
      case 'obeyed': {
        // Declared anew during the call: it is looked at again.
        const since = await this.systems.find(tenant, systemId);
        if (!since || connectionOf(since) !== connectionId) return later(this.clock.now());
        return context.finish({ actorRef: ACTOR, events: [acknowledged(systemId, [position], since.channel)] });
      }
      case 'unsupported':
        return dead('operation-unsupported');
      case 'later':
        return later(told.at);
    }
  }

  private async passOn(tenant: TenantId, job: NewJob): Promise<JobResult> {
    await this.database.transaction(tenant, (query) => enqueueIn(query, tenant, [job], this.clock.now()));
    return done();
  }
}
