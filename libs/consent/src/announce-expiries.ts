/** A consent that runs out is a fact like one that is withdrawn: systems that only listen would go on for ever otherwise. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Clock, SubjectId, TenantId } from '#kernel';
import { Housekeeping } from '#jobs';
import { Database, declareEvents, EventStore, VersionConflict } from '#ledger';
import { CLOCK, CONFIG, type Config } from '#platform';
import { Tenants } from '#tenancy';
import { standing, stateOf } from './consent.js';
import { ConsentRecords } from './consent-records.js';

declareEvents('ConsentExpired.v1');

const EVERY_MS = 60_000;
const BATCH = 500;
const ACTOR = 'system:consent';
const BEGINNING = { at: new Date(0), id: '00000000-0000-0000-0000-000000000000' };

/** One stream a record: saying it twice is a conflict and not a second fact. */
const expiryStream = (recordId: string): string => `consent-expiry/${recordId}`;

interface Expiring {
  id: string;
  subject: SubjectId;
  purpose: string;
  channel: string | null;
  expires_at: Date;
}

@Injectable()
export class AnnounceExpiries {
  constructor(
    private readonly store: EventStore,
    private readonly database: Database,
    private readonly records: ConsentRecords,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Says which consents ran out since the last look; returns how many. Safe to repeat. */
  async announce(tenant: TenantId): Promise<number> {
    let count = 0;
    for (;;) {
      const rows = await this.expired(tenant);
      for (const row of rows) if (await this.say(tenant, row)) count += 1;
      const last = rows.at(-1);
      if (last) await this.lookedAt(tenant, last);
      if (rows.length < BATCH) return count;
    }
  }

  private async expired(tenant: TenantId): Promise<Expiring[]> {
    const { rows: marks } = await this.database.fetch<{ at: Date; id: string }>(tenant, {
      name: 'consent-expiry-mark',
      text: 'SELECT at, id FROM consent_expiry_mark WHERE tenant = $1',
      values: [tenant],
    });
    const { at, id } = marks[0] ?? BEGINNING;
    const { rows } = await this.database.fetch<Expiring>(tenant, {
      name: 'consent-expiries',
      text: `SELECT id, subject, purpose, channel, expires_at FROM consent_record
             WHERE tenant = $1 AND (expires_at, id) > ($2::timestamptz, $3::uuid) AND expires_at <= $4 ORDER BY expires_at, id LIMIT $5`,
      values: [tenant, at, id, this.clock.now(), BATCH],
    });
    return rows;
  }

  /** Only of a consent that would still stand: one that was replaced or withdrawn has been told about already. */
  private async say(tenant: TenantId, { id, subject, purpose, channel, expires_at }: Expiring): Promise<boolean> {
    const person = await this.records.of(tenant, subject, true);
    const moment = { now: this.clock.now().toISOString() };
    const asked = person.records.filter((record) => record.purpose === purpose);
    const stands = standing(asked, channel ?? undefined, moment);
    if (person.erased || stands?.id !== id || stateOf(stands, moment) !== 'expired') return false;
    const stream = expiryStream(id);
    const data = { id, subject, purpose, channel, expiredAt: expires_at.toISOString() };
    try {
      await this.store.append({
        ...{ tenant, actorRef: ACTOR, expect: { [stream]: 0 } },
        events: [{ stream, type: 'ConsentExpired.v1', data, occurredAt: expires_at }],
      });
      return true;
    } catch (error) {
      if (error instanceof VersionConflict) return false;
      throw error;
    }
  }

  private async lookedAt(tenant: TenantId, { expires_at, id }: Expiring): Promise<void> {
    await this.database.transaction(tenant, (query) =>
      query({
        name: 'consent-expiry-looked',
        text: `INSERT INTO consent_expiry_mark (tenant, at, id) VALUES ($1, $2, $3)
               ON CONFLICT (tenant) DO UPDATE SET at = excluded.at, id = excluded.id`,
        values: [tenant, expires_at, id],
      }),
    );
  }
}

/** Runs it every minute, on one replica. */
@Injectable()
export class ExpiryChore implements OnModuleInit {
  constructor(
    private readonly expiries: AnnounceExpiries,
    private readonly tenants: Tenants,
    private readonly chores: Housekeeping,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    if (!this.config.LETHE_ROLES.includes('worker')) return;
    this.chores.every('consent-expiries', EVERY_MS, async () => {
      for (const { id } of await this.tenants.all()) await this.expiries.announce(id);
    });
  }
}
