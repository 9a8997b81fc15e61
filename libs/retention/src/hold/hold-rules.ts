/** What a hold must satisfy beyond its shape: a ground, a review ahead, and a scope that covers something. */
import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { TenantId } from '#kernel';
import { legalRule } from '#law';
import type { HoldBody } from './hold.js';
import { connectionMissing, groundUnknown, reviewInPast, scopeEmpty } from '../retention.errors.js';
import { RetentionRules } from '../retention-rules.js';
import { RetentionSystems } from '../retention-systems.js';

type Body = z.infer<typeof HoldBody>;

/** A hold must not wait: a system that hangs is away. */
const ANSWER_MS = 2_000;

@Injectable()
export class HoldRules {
  constructor(
    private readonly rules: RetentionRules,
    private readonly systems: RetentionSystems,
  ) {}

  async check(tenant: TenantId, { ground, reviewOn, scope }: Body): Promise<void> {
    if (legalRule(ground)?.kind !== 'exception') throw groundUnknown();
    if (reviewOn <= (await this.rules.today(tenant))) throw reviewInPast();
    const { subject, subjectId, connectionId, dataset } = scope;
    if (subject && subjectId)
      throw scopeEmpty('/scope', 'Name the person by identifiers or by subjectId, not by both.');
    if (!subject && !subjectId && !connectionId)
      throw scopeEmpty('/scope', 'A hold covers a person, a connection, or both.');
    if (dataset !== undefined && !connectionId)
      throw scopeEmpty('/scope/dataset', 'Name the connection of the dataset.');
    // A hold on something that does not exist would hold nothing and look as if it did.
    if (!connectionId) return;
    if (!(await this.systems.known(tenant, connectionId))) throw connectionMissing();
    const system = dataset === undefined ? undefined : await this.systems.find(tenant, connectionId, ANSWER_MS);
    // A hold must not wait for a system that is away: only one that answers can say that it has no such dataset.
    if (system?.status === 'ready' && system.datasets.every(({ name }) => name !== dataset))
      throw scopeEmpty('/scope/dataset', 'The connection has no such dataset. GET /v1/admin/connections names them.');
  }
}
