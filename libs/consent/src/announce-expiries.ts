/** A consent that runs out is a fact like one that is withdrawn: systems that only listen would go on for ever otherwise. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Clock, SubjectId, TenantId } from '#kernel';
import { Housekeeping } from '#jobs';
import { Database, declareEvents, EventStore, VersionConflict } from '#ledger';
import { CLOCK, CONFIG, type Config } from '#platform';
import { eachTenant, Tenants } from '#tenancy';
import { standing, stateOf } from './consent.js';
import { ConsentRecords } from './consent-records.js';

declareEvents('ConsentExpired.v1');

const EVERY_MS = 60_000;
const BATCH = 500;
const ACTOR = 'system:consent';
const BEGINNING = { at: new Date(0), id: '00000000-0000-0000-0000-000000000000', imported: -1 };
/** No channel has this name: it stands for all that nobody decided on by name. */
const OTHER_CHANNELS = '';

/** One stream a record: saying it twice is a conflict and not a second fact. */
const expiryStream = (recordId: string): string => `consent-expiry/${recordId}`;

interface Expiring {
  id: string;
  subject: SubjectId;
  purpose: string;
  channel: string | null;
  expires_at: Date;
  position: number;
}

type Mark = typeof BEGINNING;

@Injectable()
export class AnnounceExpiries {
  constructor(
    private readonly store: EventStore,
    private readonly database: Database,
    private readonly records: ConsentRecords,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Says which consents ran out since the last look, or had when they came; returns how many. Safe to repeat. */
  async announce(tenant: TenantId): Promise<number> {
    let count = 0;
    for (;;) {
      const mark = await this.mark(tenant);
      const due = await this.expired(tenant, mark);
      const before = await this.expiredBefore(tenant, mark);
      for (const row of [...due, ...before]) if (await this.say(tenant, row)) count += 1;
      const { expires_at: at, id } = due.at(-1) ?? { expires_at: mark.at, id: mark.id };
      const imported = before.at(-1)?.position ?? mark.imported;
      if (due.length + before.length > 0) await this.lookedAt(tenant, { at, id, imported });
      if (due.length < BATCH && before.length < BATCH) return count;
    }
  }

  private async mark(tenant: TenantId): Promise<Mark> {
    const { rows } = await this.database.fetch<Mark>(tenant, {
      name: 'consent-expiry-mark',
      text: 'SELECT at, id, imported FROM consent_expiry_mark WHERE tenant = $1',
      values: [tenant],
    });
    return rows[0] ?? BEGINNING;
  }

  private async expired(tenant: TenantId, { at, id }: Mark): Promise<Expiring[]> {
    const { rows } = await this.database.fetch<Expiring>(tenant, {
      name: 'consent-expiries',
      text: `SELECT id, subject, purpose, channel, expires_at, position FROM consent_record
             WHERE tenant = $1 AND (expires_at, id) > ($2::timestamptz, $3::uuid) AND expires_at <= $4 ORDER BY expires_at, id LIMIT $5`,
      values: [tenant, at, id, this.clock.now(), BATCH],
    });
    return rows;
  }

  /** Imported after their end: whoever goes by expiry alone has passed them. */
  private async expiredBefore(tenant: TenantId, { imported }: Mark): Promise<Expiring[]> {
    const { rows } = await this.database.fetch<Expiring>(tenant, {
      name: 'consent-expired-before',
      text: `SELECT id, subject, purpose, channel, expires_at, position FROM consent_record
             WHERE tenant = $1 AND position > $2 AND expires_at - recorded_at < interval '1 minute' ORDER BY position LIMIT $3`,
      values: [tenant, imported, BATCH],
    });
    return rows;
  }

  /** Only of a consent that would still stand: one that was replaced or withdrawn has been told about already. */
  private async say(tenant: TenantId, { id, subject, purpose, channel, expires_at }: Expiring): Promise<boolean> {
    const person = await this.records.of(tenant, subject, true);
    const moment = { now: this.clock.now().toISOString() };
    const asked = person.records.filter((record) => record.purpose === purpose);
    // One channel may have been stopped by name while the consent was relied on for the others.
    const channels = channel === null ? [undefined, OTHER_CHANNELS] : [channel];
    const stands = channels.map((one) => standing(asked, one, moment)).find((one) => one?.id === id);
    if (person.erased || stateOf(stands, moment) !== 'expired') return false;
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

  private async lookedAt(tenant: TenantId, { at, id, imported }: Mark): Promise<void> {
    await this.database.transaction(tenant, (query) =>
      query({
        name: 'consent-expiry-looked',
        text: `INSERT INTO consent_expiry_mark (tenant, at, id, imported) VALUES ($1, $2, $3, $4)
               ON CONFLICT (tenant) DO UPDATE SET at = excluded.at, id = excluded.id, imported = excluded.imported`,
        values: [tenant, at, id, imported],
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
    this.chores.every('consent-expiries', EVERY_MS, () =>
      eachTenant(this.tenants, (tenant) => this.expiries.announce(tenant)),
    );
  }
}
