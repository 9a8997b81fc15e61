/** Lethe's own data about the person for the package: identifiers, consents, requests, and who looked when and for what. */
import { Injectable } from '@nestjs/common';
import { AccessSearch } from '#access-log';
import { ConsentHistory } from '#consent';
import type { SubjectId, TenantId } from '#kernel';
import { Database } from '#ledger';
import { People } from '#subjects';
import { OwnRecords } from '../opening/own-records.js';
import type { Identifier, Json } from '../step/connected.js';
import { smallTable, type PackageTable } from './package-tables.js';

type Row = Record<string, Json>;

const SYSTEM = 'Lethe itself';

@Injectable()
export class PackageOwn {
  constructor(
    private readonly own: OwnRecords,
    private readonly people: People,
    private readonly consents: ConsentHistory,
    private readonly accesses: AccessSearch,
    private readonly database: Database,
  ) {}

  /** By proven identifiers only: who merely claims a mailbox learns nothing about its owner. */
  async tables(tenant: TenantId, verified: readonly Identifier[]): Promise<PackageTable[]> {
    const { subjects, ambiguous } = await this.own.personOf(tenant, verified);
    const known = ambiguous ? [] : subjects;
    const [identifiers, consents, requests, accesses] = await Promise.all([
      all(known, (subject) => this.identifiers(tenant, subject)),
      this.consentRows(tenant, known),
      this.requests(tenant, known),
      this.accessRows(tenant, known),
    ]);
    return [
      smallTable('lethe/identifiers', SYSTEM, 'Identifiers', identifiers),
      smallTable('lethe/consents', SYSTEM, 'Consents', consents),
      smallTable('lethe/requests', SYSTEM, 'Requests', requests),
      smallTable('lethe/accesses', SYSTEM, 'Accesses to your data', accesses),
    ];
  }

  private async identifiers(tenant: TenantId, subject: SubjectId): Promise<Row[]> {
    const known = await this.people.identifiersOf(tenant, subject);
    return known.map(({ type, value, strength, addedAt }) => ({
      ...{ type, value: value ?? null, strength },
      addedAt: addedAt.toISOString(),
    }));
  }

  /** Any alias gives the history of the whole person. */
  private async consentRows(tenant: TenantId, [subject]: readonly SubjectId[]): Promise<Row[]> {
    if (subject === undefined) return [];
    const { items } = await this.consents.history(tenant, subject);
    return items.map(({ id, purpose, decision, channel, collectedAt, recordedAt, expiresAt, notice }) => ({
      ...{ id, purpose, decision, channel, collectedAt, recordedAt, expiresAt },
      notice: `${notice.id} ${notice.version}`,
    }));
  }

  private async requests(tenant: TenantId, subjects: readonly SubjectId[]): Promise<Row[]> {
    const { rows } = await this.database.fetch<{
      id: string;
      type: string;
      status: string;
      resolution: string | null;
      received_at: Date;
      due_on: string;
    }>(tenant, {
      name: 'package-requests',
      text: `SELECT id, type, status, resolution, received_at, due_on FROM request_summary
             WHERE tenant = $1 AND subject = ANY($2::uuid[]) ORDER BY id`,
      values: [tenant, subjects],
    });
    return rows.map(({ id, type, status, resolution, received_at, due_on }) => ({
      ...{ id, type, status, resolution, receivedAt: received_at.toISOString(), dueOn: due_on },
    }));
  }

  /** Time, purpose and kind of actor; who it was by name is not the person's to know as a rule (C-579/21). */
  private async accessRows(tenant: TenantId, subjects: readonly SubjectId[]): Promise<Row[]> {
    if (subjects.length === 0) return [];
    const found: Row[] = [];
    for await (const item of this.accesses.toPeople(tenant, subjects)) found.push(accessRow(item));
    return found;
  }
}

type Access = Awaited<ReturnType<AccessSearch['search']>>['items'][number];

function accessRow(item: Access): Row {
  const { at, recordedAt, source, action, purpose, verdict, particulars } = item;
  const { actor, fields } = (particulars ?? {}) as { actor?: unknown; fields?: Json };
  const own = source === 'lethe';
  const type = (actor as { type?: unknown } | undefined)?.type;
  return {
    ...{ at, recordedAt, action, purpose, verdict, fields: fields ?? null },
    through: own ? SYSTEM : 'a connected system',
    actor: own ? 'privacy office' : typeof type === 'string' ? type : 'not readable',
  };
}

async function all<T>(subjects: readonly SubjectId[], read: (subject: SubjectId) => Promise<T[]>): Promise<T[]> {
  return (await Promise.all(subjects.map(read))).flat();
}
