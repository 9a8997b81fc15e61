/** Reads of personal data through Lethe itself: recorded before the answer leaves. */
import { Inject, Injectable } from '@nestjs/common';
import { newId, type Clock, type JsonObject } from '#kernel';
import { EventStore } from '#ledger';
import { AccessRecorder, CLOCK, KeyProvider, type Caller } from '#platform';
import { accessTable, letheReads, type LetheReadRecorded } from './access-entry.js';

@Injectable()
export class LetheReads extends AccessRecorder {
  constructor(
    private readonly store: EventStore,
    private readonly keys: KeyProvider,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  /** One leaf for the call, one row per person. Rejects when it is not on disk: then there is no answer either. */
  async record(caller: Caller, route: string): Promise<void> {
    const subjects = [...caller.seen].map(([subject, fields]) => ({ subject, fields: [...fields].sort() }));
    const data: LetheReadRecorded = { route, subjects };
    const at = this.clock.now().toISOString();
    const actorMac = this.keys.mac(caller.tenant, 'actor', `${caller.principal.kind}:${caller.principal.id}`);
    const id = newId();
    await this.store.append({
      tenant: caller.tenant,
      actorRef: caller.actorRef,
      events: [{ stream: letheReads, type: 'LetheReadRecorded.v1', data: data as unknown as JsonObject }],
      rows: subjects.map(({ subject }) => ({
        into: accessTable,
        row: ({ lastPosition, recordedAt }) => [
          lastPosition,
          subject,
          'lethe',
          id,
          null,
          actorMac,
          'read',
          route,
          at,
          recordedAt,
          'matches-declared-basis',
        ],
      })),
    });
  }
}
