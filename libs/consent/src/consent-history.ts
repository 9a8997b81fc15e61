/** A person's decisions as they stand, their history, and a receipt for each. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { notFound, type Clock, type Json, type SubjectId, type TenantId } from '#kernel';
import { EventStore, type StoredEvent } from '#ledger';
import { CLOCK, JsonValue } from '#platform';
import { consentStream, standing, stateOf, type ConsentRecord, type ConsentRecorded } from './consent.js';
import { ConsentRecords } from './consent-records.js';
import { Purposes } from './purposes.js';
import { ReceiptSources } from './receipt-sources.js';

const RecordView = z
  .strictObject({
    id: z.uuid(),
    purpose: z.string(),
    decision: z.enum(['given', 'refused', 'withdrawn']),
    channel: z.string().nullable(),
    collectedAt: z.string(),
    recordedAt: z.string(),
    expiresAt: z.string().nullable(),
    notice: z.strictObject({ id: z.string(), version: z.string() }),
    position: z.number().int(),
  })
  .meta({ id: 'ConsentRecord' });
export const ConsentStates = z
  .strictObject({
    items: z.array(
      z.strictObject({
        purpose: z.string(),
        /** Null = every channel. */
        channel: z.string().nullable(),
        state: z.string(),
        since: z.string().nullable(),
        validUntil: z.string().nullable(),
      }),
    ),
    next: z.null(),
  })
  .meta({ id: 'ConsentStates' });
export const ConsentHistoryView = z
  .strictObject({ items: z.array(RecordView), next: z.null() })
  .meta({ id: 'ConsentHistory' });
export const Receipt = z
  .strictObject({
    receipt: z.record(z.string(), JsonValue),
    signature: z.strictObject({ alg: z.literal('Ed25519'), publicKey: z.string(), value: z.string() }),
  })
  .meta({ id: 'ConsentReceipt' });

@Injectable()
export class ConsentHistory {
  constructor(
    private readonly records: ConsentRecords,
    private readonly purposes: Purposes,
    private readonly store: EventStore,
    private readonly sources: ReceiptSources,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** What stands for each purpose, and each of its channels, that the person ever decided on. */
  async states(tenant: TenantId, subject: SubjectId): Promise<z.infer<typeof ConsentStates>> {
    const { records } = await this.known(tenant, subject);
    const moment = { now: this.clock.now().toISOString() };
    const decided = new Map(records.map((record) => [`${record.purpose} ${record.channel ?? ''}`, record]));
    const items = [...decided.keys()].sort().map((key) => {
      const { purpose, channel } = decided.get(key)!;
      const record = standing(
        records.filter((one) => one.purpose === purpose),
        channel ?? undefined,
        moment,
      );
      return {
        purpose,
        channel,
        state: stateOf(record, moment),
        since: record?.collectedAt ?? null,
        validUntil: record?.expiresAt ?? null,
      };
    });
    return { items, next: null };
  }

  /** Every decision ever recorded, newest last; nothing is overwritten. */
  async history(tenant: TenantId, subject: SubjectId): Promise<z.infer<typeof ConsentHistoryView>> {
    const { records } = await this.known(tenant, subject);
    return { items: records.map(({ imported: _, ...record }) => record), next: null };
  }

  /** A signed receipt with the fields of ISO/IEC TS 27560; the subject can check it offline with the published key. */
  async receipt(tenant: TenantId, id: string): Promise<{ subject: SubjectId; answer: z.infer<typeof Receipt> }> {
    const event = await this.find(tenant, id);
    const data = event.data as unknown as ConsentRecorded;
    const purpose = await this.purposes.at(tenant, data.purpose, event.position);
    const receipt = {
      schema_version: 'ISO/IEC TS 27560:2023',
      receipt_id: id,
      record_id: id,
      pii_principal_id: data.subject,
      event_time: data.collectedAt,
      recorded_time: event.recordedAt,
      event_type: `Consent${data.decision[0]!.toUpperCase()}${data.decision.slice(1)}`,
      event_state: data.decision,
      entity_id: tenant,
      purpose: data.purpose,
      purpose_name: purpose?.name ?? null,
      lawful_basis: purpose?.legalBasis ?? null,
      privacy_notice: { ...data.notice },
      validity_until: data.expiresAt,
      channel: data.channel,
      collection: await this.sources.particulars(tenant, data),
      ledger_position: event.position,
    } as Record<string, Json>;
    return { subject: data.subject, answer: { receipt, signature: await this.sources.sign(tenant, receipt) } };
  }

  /** The recorded event of a consent. */
  async find(tenant: TenantId, id: string): Promise<StoredEvent> {
    const place = await this.sources.locate(tenant, id);
    const event =
      place &&
      (await this.store.load(tenant, consentStream(place.subject))).find((one) => one.position === place.position);
    if (!event) throw notFound('consent record');
    return event;
  }

  private async known(tenant: TenantId, subject: SubjectId): Promise<{ records: ConsentRecord[] }> {
    const person = await this.records.of(tenant, subject, true);
    if (person.aliases.length === 0) throw notFound('subject');
    return person;
  }
}
