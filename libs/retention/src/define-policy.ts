/** Defines or changes a retention policy; before and after stand in the event. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { z } from 'zod';
import { canonicalize, type JsonObject, type TenantId } from '#kernel';
import { EventStore, type NewEvent } from '#ledger';
import type { Caller } from '#platform';
import { dutyOf, dutyRowStream, policyFault, policyStream, type PolicyBody, type PolicyView } from './policy.js';
import { policyInvalid } from './retention.errors.js';
import { RetentionSystems } from './retention-systems.js';

export class DefinePolicy extends Command<z.infer<typeof PolicyView>> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly body: z.infer<typeof PolicyBody>,
  ) {
    super();
  }
}

@CommandHandler(DefinePolicy)
export class DefinePolicyHandler implements ICommandHandler<DefinePolicy> {
  constructor(
    private readonly store: EventStore,
    private readonly systems: RetentionSystems,
  ) {}

  async execute({ by, id, body }: DefinePolicy): Promise<z.infer<typeof PolicyView>> {
    const fault = policyFault(body);
    if (fault) throw policyInvalid(fault.pointer, fault.code);
    await this.assertFits(by.tenant, body);
    const stream = policyStream(id);
    const history = await this.store.load(by.tenant, stream);
    const before = (history.at(-1)?.data['after'] ?? null) as JsonObject | null;
    // JSON once, so that what is stored and what is compared hold no undefined members.
    const after = JSON.parse(JSON.stringify(body)) as JsonObject;
    // Stored leaves are canonical: only their canonical text compares.
    const same = canonicalize(before) === canonicalize(after);
    const version = same ? history.length : history.length + 1;
    const view = { id, version, ...body };
    if (same) return view;
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        { stream, type: 'RetentionPolicyDefined.v1', data: { id, version, before, after } },
        ...enabled(id, body),
      ],
      expect: { [stream]: history.length },
      side: async (query) => {
        await query({
          text: `INSERT INTO retention_policy (tenant, id, connection, dataset, definition, version) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (tenant, id) DO UPDATE SET connection = excluded.connection, dataset = excluded.dataset,
                   definition = excluded.definition, version = excluded.version`,
          values: [by.tenant, id, body.connectionId, body.dataset, JSON.stringify(body), version],
        });
      },
      ...(by.idempotency
        ? { idempotency: by.idempotency, respond: () => ({ status: 200, body: view as unknown as JsonObject }) }
        : {}),
    });
    by.idempotency = undefined;
    return view;
  }

  /** The dataset is there and has a date to count from. */
  private async assertFits(tenant: TenantId, body: z.infer<typeof PolicyBody>): Promise<void> {
    const system = await this.systems.find(tenant, body.connectionId);
    if (!system) throw policyInvalid('/connectionId', 'connection-unknown');
    const dataset = system.datasets.find(({ name }) => name === body.dataset);
    if (!dataset) throw policyInvalid('/dataset', 'dataset-unknown');
    if (dataset.clockField === undefined) throw policyInvalid('/dataset', 'dataset-without-date');
    const unknown = body.stripFields.findIndex((field) => !dataset.fields.some(({ name }) => name === field));
    if (unknown >= 0) throw policyInvalid(`/stripFields/${unknown}`, 'field-unknown');
  }
}

/** A law row that nobody read in the source is switched on by a person, on the record, each time a policy rests on it. */
function enabled(policyId: string, body: z.infer<typeof PolicyBody>): NewEvent[] {
  const row = dutyOf(body);
  if (!row || row.confidence === 'V') return [];
  const { id: dutyId, citation, source, confidence } = row;
  const data = { dutyId, policyId, citation, source, confidence };
  return [{ stream: dutyRowStream(dutyId), type: 'DutyRowEnabled.v1', data }];
}
