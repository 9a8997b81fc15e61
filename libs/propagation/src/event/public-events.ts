/** Translates ledger events for those outside, with what a single event does not say read from its neighbours' streams. */
import { Injectable } from '@nestjs/common';
import { purposeStream } from '#consent';
import type { TenantId } from '#kernel';
import { EventStore, type StoredEvent } from '#ledger';
import { translate, translatedTypes, type Context, type PublicEvent } from './public-event.js';

@Injectable()
export class PublicEvents {
  constructor(private readonly store: EventStore) {}

  /** The public events among those of one tenant, in order. The same events give the same answer at any time. */
  async of(events: readonly StoredEvent[]): Promise<PublicEvent[]> {
    const own = events.filter(({ type }) => translatedTypes.has(type));
    const [first] = own;
    if (!first) return [];
    const context = await this.context(first.tenant, own);
    return own.flatMap((event) => translate(event, context) ?? []);
  }

  private async context(tenant: TenantId, events: readonly StoredEvent[]): Promise<Context> {
    const named = (type: RegExp, member: string): string[] => [
      ...new Set(events.filter((event) => type.test(event.type)).map(({ data }) => data[member] as string)),
    ];
    const purposes = await this.streams(tenant, named(/^ConsentRecorded/, 'purpose'), purposeStream);
    const cases = named(/^Request(Reopened|Closed)/, 'requestId');
    const requests = await this.streams(tenant, cases, (id) => `request/${id}`);
    return {
      basisAt: (purpose, position) => {
        const before = purposes.get(purpose)?.findLast((event) => event.position < position);
        return (before?.data['after'] as { legalBasis?: string } | undefined)?.legalBasis;
      },
      subjectOf: (requestId) => {
        const subject = requests.get(requestId)?.[0]?.data['subjectId'];
        return typeof subject === 'string' ? subject : undefined;
      },
    };
  }

  private async streams(
    tenant: TenantId,
    ids: readonly string[],
    streamOf: (id: string) => string,
  ): Promise<Map<string, StoredEvent[]>> {
    const read = ids.map(async (id) => [id, await this.store.load(tenant, streamOf(id))] as const);
    return new Map(await Promise.all(read));
  }
}
