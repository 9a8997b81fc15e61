/** Policies of a tenant as rules: the duty over a dataset, and every policy to run. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, TenantId } from '#kernel';
import { Database } from '#ledger';
import { dateInZone } from '#law';
import { CLOCK } from '#platform';
import { Tenants } from '#tenancy';
import { beyondDuties, dutyOf, strongestDuty, type Policy, type PolicyDefinition } from './policy.js';

/** A duty as a decision about a record names it. */
export interface DatasetDuty {
  /** Handed to connectors and back; the id of the law's row. */
  ruleId: string;
  dutyId: string;
  citation: string;
  /** Fields the duty does not cover. */
  stripFields: string[];
}

interface PolicyRow {
  id: string;
  version: number;
  definition: PolicyDefinition;
}

@Injectable()
export class RetentionRules {
  constructor(
    private readonly database: Database,
    private readonly tenants: Tenants,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Every policy, by id. */
  async policies(tenant: TenantId): Promise<Policy[]> {
    const { rows } = await this.database.fetch<PolicyRow>(tenant, {
      name: 'retention-policies',
      text: 'SELECT id, version, definition FROM retention_policy WHERE tenant = $1 ORDER BY id',
      values: [tenant],
    });
    return rows.map(({ id, version, definition }) => ({ id, version, ...definition }));
  }

  /** The duty that keeps the dataset's records longest, also against an erasure request; undefined when there is none. */
  async dutyFor(tenant: TenantId, connectionId: string, dataset: string): Promise<DatasetDuty | undefined> {
    const own = (await this.policies(tenant)).filter(
      (policy) => policy.connectionId === connectionId && policy.dataset === dataset && dutyOf(policy) !== undefined,
    );
    if (own.length === 0) return undefined;
    const policy = strongestDuty(own, await this.today(tenant));
    const row = policy && dutyOf(policy);
    if (!policy || !row) return undefined;
    return { ruleId: row.id, dutyId: row.id, citation: row.citation, stripFields: beyondDuties(own) };
  }

  /** Today on the controller's wall. */
  async today(tenant: TenantId): Promise<string> {
    return dateInZone(this.clock.now(), (await this.tenants.get(tenant)).timeZone);
  }
}
