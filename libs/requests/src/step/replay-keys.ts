/** After a restore: keys that were destroyed are destroyed again, and who was erased is erased again in Lethe itself. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { Database, readOfType } from '#ledger';
import { KeyStore, People, type KeyClass } from '#subjects';
import { OwnErasure } from '../ports.js';

/** What was done again in Lethe itself. */
export interface ReplayedKeys {
  /** Keys that were back and are destroyed again. */
  keys: number;
  /** People whose key is destroyed and whose erasure the restored ledger did not know. */
  people: number;
}

interface Erased {
  subjectId: SubjectId;
  keys: { class: KeyClass }[];
}

@Injectable()
export class ReplayKeys {
  constructor(
    private readonly own: OwnErasure,
    private readonly keys: KeyStore,
    private readonly people: People,
    private readonly database: Database,
  ) {}

  /** From the ledger's erasures, and from the marks in the key store where the ledger has forgotten them. */
  async again(tenant: TenantId): Promise<ReplayedKeys> {
    const done: ReplayedKeys = { keys: 0, people: 0 };
    for (const { subjectId, keys } of await eventData<Erased>(this.database, tenant, 'IdentityErased.v1')) {
      const classes = keys.map((key) => key.class);
      done.keys += countBack(await this.keys.shred(tenant, subjectId, classes));
    }
    for (const { keyHolders } of await eventData<{ keyHolders: SubjectId[] }>(
      this.database,
      tenant,
      'CaseFileEnded.v1',
    ))
      for (const holder of keyHolders) done.keys += countBack(await this.keys.shred(tenant, holder, ['case']));
    for (const subject of await this.shredded(tenant)) {
      const person = await this.people.find(tenant, subject);
      if (person === undefined || person.status === 'erased') continue;
      await this.own.erase(tenant, subject, ['identity']);
      done.people += 1;
    }
    return done;
  }

  /** People whose identity key is a mark. */
  private async shredded(tenant: TenantId): Promise<SubjectId[]> {
    const { rows } = await this.keys.database.fetch<{ subject: SubjectId }>(tenant, {
      text: `SELECT subject FROM subject_key WHERE tenant = $1 AND class = 'identity' AND shredded_at IS NOT NULL`,
      values: [tenant],
    });
    return rows.map(({ subject }) => subject);
  }
}

function countBack(shredded: readonly { hadKey: boolean }[]): number {
  return shredded.filter(({ hadKey }) => hadKey).length;
}

/** Data of every event of a type, oldest first. */
export async function eventData<Data>(database: Database, tenant: TenantId, type: string): Promise<Data[]> {
  return (await readOfType(database, tenant, type)).map(({ data }) => data as Data);
}
