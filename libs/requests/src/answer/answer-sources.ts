/** Gathers what an answer may say: the request, its plan, the law's words, the controller. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, TenantId } from '#kernel';
import { authorityFor, dateInZone, legalRule, remedyOf } from '#law';
import { CLOCK } from '#platform';
import { Tenants } from '#tenancy';
import type { AnswerFacts, ManualFact, RecipientFact, RemedyFact } from './answer-facts.js';
import { datasetRows, headOf } from './answer-outcomes.js';
import { CaseFile } from '../case-file.js';
import { clocksOf, dueOnOf } from '../course/request-clocks.js';
import type { RequestState } from '../request-state.js';
import { LETHE_ITSELF, notePlace, requestEvent, streamOf, type AnswerKind, type RequestEventData } from '../request.js';
import { Requests } from '../requests.js';

@Injectable()
export class AnswerSources {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly tenants: Tenants,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async factsFor(tenant: TenantId, state: RequestState, kind: AnswerKind): Promise<AnswerFacts> {
    const { name } = await this.tenants.get(tenant);
    const today = dateInZone(this.clock.now(), state.timeZone);
    const dueOn = dueOnOf(clocksOf(state, today), state.receivedOn);
    const reason = await this.reason(tenant, state);
    const suppressedUntil = await this.suppressedUntil(tenant, state);
    const extended = kind === 'extension' ? await this.extensionReason(tenant, state) : undefined;
    return {
      kind,
      type: state.type,
      requestId: state.id,
      controller: name,
      today,
      receivedOn: state.receivedOn,
      dueOn,
      rows: datasetRows(state),
      recipients: recipientsOf(state),
      manual: manualOf(state),
      copies: copiesOf(state),
      remedies: state.regimes.map((regime) => remedy(regime, state.territory)),
      ...(state.resolution === undefined ? {} : { resolution: state.resolution }),
      ...(reason === undefined ? {} : { reason }),
      ...(extended === undefined ? {} : { extension: { reason: extended, dueOn } }),
      ...(suppressedUntil === undefined ? {} : { suppressedUntil }),
      ...(state.package && !state.package.former ? { package: { expiresAt: state.package.expiresAt } } : {}),
      ...(state.withdrawn ? { alreadyDone: state.withdrawn.alreadyDone } : {}),
    };
  }

  /** The clause of the rule, then the officer's own words. */
  private async reason(tenant: TenantId, { id, refusal }: RequestState): Promise<string | undefined> {
    if (!refusal) return undefined;
    const rule = legalRule(refusal.ruleId);
    const words = await this.file.open<string>(tenant, refusal.reason, notePlace(id, 'refusal'));
    return rule ? `${rule.text} (${rule.citation}). ${words}` : words;
  }

  private async extensionReason(tenant: TenantId, state: RequestState): Promise<string | undefined> {
    return (await this.last(tenant, state, 'RequestExtended.v1'))?.reason;
  }

  private async suppressedUntil(tenant: TenantId, state: RequestState): Promise<string | null | undefined> {
    if (!state.suppressed) return undefined;
    const until = (await this.last(tenant, state, 'SuppressionRecorded.v1'))?.until;
    return until === null || until === undefined ? null : until.slice(0, 10);
  }

  private async last<Type extends 'RequestExtended.v1' | 'SuppressionRecorded.v1'>(
    tenant: TenantId,
    state: RequestState,
    type: Type,
  ): Promise<RequestEventData[Type] | undefined> {
    const stored = await this.requests.store.load(tenant, streamOf(state.id));
    const found = stored.map(requestEvent).filter((event) => event?.type === type);
    return found.at(-1)?.data as RequestEventData[Type] | undefined;
  }
}

function remedy(regime: RemedyFact['regime'], territory: string | null): RemedyFact {
  const { complaint, court } = remedyOf(regime);
  const authority = authorityFor(regime, territory ?? undefined);
  return {
    regime,
    complaint,
    court,
    ...(authority ? { authority: { name: authority.name, website: authority.website } } : {}),
  };
}

/** Everybody but the controller itself who held the data (GDPR 4(9), 19). */
function recipientsOf(state: RequestState): RecipientFact[] {
  const systems = headOf(state)?.systems ?? [];
  return systems
    .filter(({ connectionId, role }) => connectionId !== LETHE_ITSELF && role !== 'own')
    .map(({ connectionId, name, legalEntity, country }) => {
      const step = state.steps.find((one) => one.connectionId === connectionId);
      const told = step?.handled === 'manual' ? 'by-hand' : step?.finished === true ? 'connected' : 'not-told';
      return { name, legalEntity, country, told };
    });
}

function manualOf(state: RequestState): ManualFact[] {
  // The last look counts: a reopened request asked the same people again.
  const own = state.tasks.filter((task) => task.kind === 'unsearched-system');
  const tasks = [...new Map(own.map((task) => [task.systemId, task])).values()];
  const named = new Set(tasks.map((task) => task.systemId));
  const planned = (headOf(state)?.unsearched ?? []).filter((one) => !named.has(one.id));
  return [
    ...tasks.map(({ systemName, why, completed }): ManualFact => ({
      name: systemName,
      outcome: completed?.outcome ?? 'open',
      why,
    })),
    ...planned.map(({ name, why }): ManualFact => ({ name, outcome: 'open', why })),
  ];
}

function copiesOf(state: RequestState): AnswerFacts['copies'] {
  const systems = headOf(state)?.systems ?? [];
  return state.steps.flatMap((step) => {
    const system = systems.find((one) => one.connectionId === step.connectionId)?.name ?? step.connectionId;
    return step.horizon.map(({ layer, until }) => ({ system, layer, until: until?.slice(0, 10) ?? null }));
  });
}
