/** Stops purposes for a person at once: a withdrawal (GDPR 7(3)) or an objection (21) needs no proof and no notice. */
import { Injectable } from '@nestjs/common';
import { newId, type JsonObject, type SubjectId, type TenantId } from '#kernel';
import { EventStore, type InlineRow, type NewEvent } from '#ledger';
import { Sealer } from '#subjects';
import { particularsPlace } from './consent-input.js';
import { purposeUnknown } from './consent.errors.js';
import { consentStream, type ConsentRecorded } from './consent.js';
import { consentRecordRow } from './consent.migrations.js';
import { ConsentRecords } from './consent-records.js';
import type { Purpose } from './purpose.js';
import { Purposes } from './purposes.js';

/** `purposes` empty: everything the person can stop. `requestId` stands in place of a notice. */
export interface StopCall {
  tenant: TenantId;
  actorRef: string;
  subject: SubjectId;
  type: 'objection' | 'withdrawal';
  purposes: string[];
  receivedAt: Date;
  requestId: string;
}

/** Bases a person can stop; a contract or a legal duty is none of them. */
const stoppable: Record<StopCall['type'], readonly Purpose['legalBasis'][]> = {
  withdrawal: ['consent'],
  objection: ['consent', 'legitimate-interest', 'public-task'],
};

@Injectable()
export class StopPurposes {
  constructor(
    private readonly store: EventStore,
    private readonly sealer: Sealer,
    private readonly records: ConsentRecords,
    private readonly purposes: Purposes,
  ) {}

  /**
   * Appends one stop per purpose, all or none; returns which. A repeat for the same request appends none again: it would
   * stand after what the person said meanwhile. Throws 422 `purpose-unknown` for a purpose that is not defined.
   */
  async stop(call: StopCall): Promise<{ stopped: number; purposes: string[] }> {
    const chosen = await this.chosen(call);
    if (chosen.length === 0) return { stopped: 0, purposes: [] };
    const purposes = chosen.map(({ id }) => id);
    const { records } = await this.records.of(call.tenant, call.subject, true);
    const stopped = new Set(records.filter((one) => one.notice.version === call.requestId).map((one) => one.purpose));
    const left = purposes.filter((id) => !stopped.has(id));
    if (left.length > 0) await this.append(call, left);
    return { stopped: purposes.length, purposes };
  }

  private async append(call: StopCall, purposes: readonly string[]): Promise<void> {
    const stops = await Promise.all(purposes.map((id) => this.stopOf(call, id)));
    const stream = consentStream(call.subject);
    await this.store.append({
      tenant: call.tenant,
      actorRef: call.actorRef,
      events: stops.map((stop): NewEvent => ({
        stream,
        type: 'ConsentRecorded.v1',
        data: stop as unknown as JsonObject,
        occurredAt: call.receivedAt,
      })),
      rows: stops.map((stop, index): InlineRow => consentRecordRow(stop, index)),
    });
    this.records.forget(call.tenant, call.subject);
  }

  private async chosen(call: StopCall): Promise<Purpose[]> {
    const all = await this.purposes.all(call.tenant);
    const unknown = call.purposes.findIndex((id) => !all.some((purpose) => purpose.id === id));
    if (unknown >= 0) throw purposeUnknown(`/purposes/${unknown}`);
    const wanted = all.filter((purpose) => call.purposes.length === 0 || call.purposes.includes(purpose.id));
    return wanted.filter((purpose) => stoppable[call.type].includes(purpose.legalBasis));
  }

  private async stopOf(call: StopCall, purpose: string): Promise<ConsentRecorded> {
    const id = newId();
    const particulars = { method: call.type, evidence: { requestId: call.requestId } };
    return {
      id,
      subject: call.subject,
      purpose,
      decision: 'withdrawn',
      channel: null,
      collectedAt: call.receivedAt.toISOString(),
      imported: false,
      expiresAt: null,
      notice: { id: 'request', version: call.requestId, hash: '' },
      particulars: await this.sealer.seal(call.tenant, call.subject, 'consent', particulars, particularsPlace(id)),
    };
  }
}
