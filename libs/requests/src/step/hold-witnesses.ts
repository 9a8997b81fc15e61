/** Who decided about what a hold keeps: attesting, approving and releasing are different people's. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '#kernel';
import { CLOCK, decidingHuman, KeyProvider, type Caller } from '#platform';
import { HoldWitnesses, type HoldScope } from '#retention';
import { memberRef } from '#tenancy';
import { requestEvent, streamOf } from '../request.js';
import { Requests } from '../requests.js';
import { KeptGroups } from './kept-groups.projection.js';

/** Fills the port of #retention. */
@Injectable()
export class RequestHoldWitnesses extends HoldWitnesses {
  constructor(
    private readonly requests: Requests,
    private readonly groups: KeptGroups,
    private readonly keys: KeyProvider,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  /** By the leaves of the requests: an approval, an attested task and an attested identity all name their actor. */
  override async decided(by: Caller, hold: { id: string; scope: HoldScope }): Promise<boolean> {
    const now = this.clock.now();
    const { humanIds } = decidingHuman(by, now);
    const own = new Set([by.actorRef, ...humanIds.map((one) => memberRef(this.keys, by.tenant, one))]);
    const kept = await this.groups.stoppedBy(by.tenant, hold, now.toISOString().slice(0, 10));
    for (const requestId of new Set(kept.map((group) => group.requestId))) {
      const events = await this.requests.store.load(by.tenant, streamOf(requestId));
      if (events.some((stored) => own.has(stored.actorRef) && isDecision(requestEvent(stored)))) return true;
    }
    return false;
  }
}

function isDecision(event: ReturnType<typeof requestEvent>): boolean {
  if (event?.type === 'IdentifierProven.v1') return event.data.method === 'attest';
  return event?.type === 'RequestApproved.v1' || event?.type === 'ManualTaskCompleted.v1';
}
