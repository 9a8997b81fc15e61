/** The state of today for a system that is too far behind, or begins: by pages of people, and the cursor to go on from. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Purposes, PurposeVerdicts, type Purpose } from '#consent';
import type { Clock, SubjectId, TenantId } from '#kernel';
import { Database, EventStore } from '#ledger';
import { CLOCK, KeyProvider, openCursor, sealCursor, type Caller } from '#platform';
import { EventFeed, type LogPlace } from './event-feed.js';
import { usualTypes } from './public-event.js';
import { mustObey, type System } from '../system.js';
import { Systems } from '../systems.js';

export const SnapshotQuery = z.strictObject({
  cursor: z.string().min(1).max(1_000).optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/)
    .default('100')
    .transform(Number)
    .refine((value) => value >= 1 && value <= 200, 'A number from 1 to 200.'),
});

/** `after` is where to go on with GET /v1/events once `next` is null; it is the same on every page. */
export const Snapshot = z
  .strictObject({
    items: z.array(
      z.strictObject({
        subject: z.strictObject({ id: z.uuid() }),
        erased: z.boolean(),
        restricted: z.boolean(),
        decisions: z.array(
          z.strictObject({
            purpose: z.string(),
            allowed: z.boolean(),
            state: z.string(),
            since: z.string().nullable(),
            validUntil: z.string().nullable(),
          }),
        ),
      }),
    ),
    next: z.string().nullable(),
    after: z.string(),
  })
  .meta({ id: 'ConsentSnapshot' });
type Snapshot = z.infer<typeof Snapshot>;

const CURSOR = 'consent-snapshot';
const NOBODY = '00000000-0000-0000-0000-000000000000';

@Injectable()
export class SnapshotPeople {
  constructor(
    private readonly verdicts: PurposeVerdicts,
    private readonly defined: Purposes,
    private readonly keys: KeyProvider,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async purposes(tenant: TenantId, system: System): Promise<Purpose[]> {
    return (await this.defined.all(tenant)).filter(({ id }) => mustObey(system, id));
  }

  /** What may be done for one person now: the same answers as of a check. */
  async stateOf(
    tenant: TenantId,
    subject: SubjectId,
    purposes: readonly Purpose[],
  ): Promise<Snapshot['items'][number]> {
    const person = await this.verdicts.person(tenant, subject, true);
    const moment = { now: this.clock.now().toISOString() };
    const asked = purposes.filter(({ id }) => person.records.some(({ purpose }) => purpose === id));
    const decisions = await Promise.all(
      asked.map(async (purpose) => {
        const verdict = await this.verdicts.of(tenant, person, purpose, undefined, moment);
        const { decision, state, since, validUntil } = verdict;
        const allowed = decision === 'permit' && !person.erased;
        return { purpose: purpose.id, allowed, state, since, validUntil };
      }),
    );
    return { subject: { id: subject }, erased: person.erased, restricted: person.restricted, decisions };
  }

  seal(by: Caller, { epoch, position }: LogPlace, last: string): string {
    return sealCursor(this.keys, by, CURSOR, {}, [String(position), last, String(epoch)]);
  }

  open(by: Caller, cursor: string): [LogPlace, string] {
    const [position = '', last = '', epoch = '1'] = openCursor(this.keys, by, CURSOR, {}, cursor);
    return [{ epoch: Number(epoch), position: Number(position) }, last];
  }
}

@Injectable()
export class ConsentSnapshot {
  constructor(
    private readonly store: EventStore,
    private readonly database: Database,
    private readonly people: SnapshotPeople,
    private readonly systems: Systems,
    private readonly feed: EventFeed,
  ) {}

  async page(by: Caller, { cursor, limit }: z.infer<typeof SnapshotQuery>): Promise<Snapshot> {
    const system = await this.systems.ofKey(by);
    // The head is taken before anybody is read: what changes meanwhile comes again as an event.
    const [head, last] = cursor === undefined ? [await this.head(by.tenant), NOBODY] : this.people.open(by, cursor);
    const purposes = await this.people.purposes(by.tenant, system);
    const { rows } = await this.database.fetch<{ subject: SubjectId }>(by.tenant, {
      name: 'consent-snapshot',
      // A restriction binds every system, whatever the person ever decided.
      text: `SELECT subject FROM (
               (SELECT DISTINCT subject FROM consent_record WHERE tenant = $1 AND subject > $2 AND purpose = ANY($3) ORDER BY subject LIMIT $4)
               UNION (SELECT DISTINCT subject FROM subject_restriction WHERE tenant = $1 AND subject > $2 ORDER BY subject LIMIT $4)) AS people
             ORDER BY subject LIMIT $4`,
      values: [by.tenant, last, purposes.map(({ id }) => id), limit],
    });
    const items = await Promise.all(rows.map(({ subject }) => this.people.stateOf(by.tenant, subject, purposes)));
    const final = rows.at(-1)?.subject;
    const next = rows.length === limit && final ? this.people.seal(by, head, final) : null;
    return { items, next, after: this.feed.seal(by, { ...head, types: usualTypes }) };
  }

  private async head(tenant: TenantId): Promise<LogPlace> {
    const { epoch, size } = await this.store.head(tenant);
    return { epoch, position: size };
  }
}
