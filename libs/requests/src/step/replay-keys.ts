/** After a restore: keys that were destroyed are destroyed again, and who was erased is erased again in Lethe itself. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { Database, readOfType } from '#ledger';
import { KeyStore, People, type KeyClass, type KeyName } from '#subjects';
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

/** How long the end of a case file may take from its announcement to its key. */
const ENDING_MS = 3_600_000;

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
    const done: ReplayedKeys = { keys: await this.destroy(tenant, await this.destroyed(tenant)), people: 0 };
    for (const subject of await this.shredded(tenant)) {
      const person = await this.people.find(tenant, subject);
      if (person === undefined || person.status === 'erased') continue;
      await this.own.erase(tenant, subject, ['identity']);
      done.people += 1;
    }
    return done;
  }

  /**
   * Destroys again what lives although the ledger says, from position `from` on, that it was destroyed: the key store was
   * set back. Returns how many keys.
   */
  async revived(tenant: TenantId, from = 0): Promise<number> {
    const settled = new Date(this.keys.clock.now().getTime() - ENDING_MS).toISOString();
    return this.destroy(tenant, await this.keys.alive(tenant, await this.destroyed(tenant, from, settled)));
  }

  /** As the ledger says it. The end of a case file is said before its key goes: one later than `settled` may be at work. */
  private async destroyed(tenant: TenantId, from = 0, settled?: string): Promise<KeyName[]> {
    const erased = await readOfType(this.database, tenant, 'IdentityErased.v1', { from });
    const ended = await readOfType(this.database, tenant, 'CaseFileEnded.v1', { from });
    return [
      ...erased.flatMap(({ data }) => {
        const { subjectId: subject, keys } = data as unknown as Erased;
        return keys.map((key) => ({ subject, class: key.class }));
      }),
      ...ended
        .filter(({ recordedAt }) => settled === undefined || recordedAt < settled)
        .flatMap(({ data }) => data['keyHolders'] as SubjectId[])
        .map((subject) => ({ subject, class: 'case' as const })),
    ];
  }

  /** Returns how many were there. */
  private async destroy(tenant: TenantId, names: readonly KeyName[]): Promise<number> {
    let keys = 0;
    for (const { subject, class: keyClass } of names)
      keys += (await this.keys.shred(tenant, subject, [keyClass])).filter(({ hadKey }) => hadKey).length;
    return keys;
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

/** Data of every event of a type, oldest first. */
export async function eventData<Data>(database: Database, tenant: TenantId, type: string): Promise<Data[]> {
  return (await readOfType(database, tenant, type)).map(({ data }) => data as Data);
}
