/** What is configured about processing, for the article 15 information: purposes, systems, periods. */
import { Injectable } from '@nestjs/common';
import { Connections } from '#connectors';
import { Purposes } from '#consent';
import type { TenantId } from '#kernel';
import { RetentionRules } from '#retention';
import { Tenants } from '#tenancy';
import { headOf } from '../answer/answer-outcomes.js';
import type { InformationFacts } from './package-information.js';
import type { RequestState } from '../request-state.js';

@Injectable()
export class PackageRegister {
  constructor(
    private readonly tenants: Tenants,
    private readonly purposes: Purposes,
    private readonly connections: Connections,
    private readonly rules: RetentionRules,
  ) {}

  async factsFor(tenant: TenantId, state: RequestState): Promise<InformationFacts> {
    const [{ name }, purposes, rows, policies] = await Promise.all([
      this.tenants.get(tenant),
      this.purposes.all(tenant),
      this.connections.all(tenant),
      this.rules.policies(tenant),
    ]);
    const unread = new Set(state.steps.flatMap((step) => (step.handled ? [step.connectionId] : [])));
    const planned = (headOf(state)?.systems ?? []).map((one) => one.connectionId);
    const searched = new Set(planned.filter((id) => !unread.has(id)));
    return {
      controller: name,
      regimes: state.regimes,
      territory: state.territory,
      purposes: purposes.map(({ name: purpose, description, legalBasis, validity }) => ({
        ...{ name: purpose, description, legalBasis, validity },
      })),
      systems: rows.map((row) => ({
        id: row.id,
        name: row.name,
        role: row.role,
        legalEntity: row.legal_entity,
        country: row.country,
        searched: searched.has(row.id),
        datasets: row.datasets.map((one) => ({ name: one.name, title: one.title, categories: one.categories })),
      })),
      policies: policies.map(({ connectionId, dataset, period, duty }) => ({
        ...{ connectionId, dataset, period, dutyId: duty?.dutyId },
      })),
    };
  }
}
