/** Loads requests and appends to them: decide on a version, append if it still stands, else decide again. */
import { Injectable } from '@nestjs/common';
import { notFound, type JsonObject, type TenantId } from '#kernel';
import { EventStore, VersionConflict, type Append, type Appended, type InlineRow, type NewEvent } from '#ledger';
import type { Caller } from '#platform';
import { foldRequest } from './request-evolve.js';
import type { RequestState } from './request-state.js';
import { streamOf } from './request.js';

/** What a decision wants appended; undefined or no events: nothing to do. */
export interface Change {
  events: NewEvent[];
  rows?: InlineRow[];
  /** Versions of other streams that the decision rests on, beside the request's own. */
  expect?: Record<string, number>;
  respond?: (at: Appended) => { status: number; body: JsonObject };
  side?: Append['side'];
}

export type Decide = (state: RequestState) => Promise<Change | undefined> | Change | undefined;

const ATTEMPTS = 10;

@Injectable()
export class Requests {
  constructor(readonly store: EventStore) {}

  async find(tenant: TenantId, id: string): Promise<RequestState | undefined> {
    return foldRequest(await this.store.load(tenant, streamOf(id)));
  }

  /** 404 for an unknown one and for another tenant's alike. */
  async load(tenant: TenantId, id: string): Promise<RequestState> {
    const state = await this.find(tenant, id);
    if (!state) throw notFound('request');
    return state;
  }

  /** Decides and appends; decides again when the request moved on meanwhile. Returns the state afterwards. */
  async change(tenant: TenantId, actorRef: string, id: string, decide: Decide, by?: Caller): Promise<RequestState> {
    return this.appending(tenant, id, decide, async (change, state) => {
      const { side } = change;
      const claim = by?.idempotency && change.respond ? { idempotency: by.idempotency, respond: change.respond } : {};
      await this.store.append({
        tenant,
        actorRef,
        events: change.events,
        expect: { ...change.expect, [streamOf(id)]: state.version },
        rows: change.rows ?? [],
        ...claim,
        ...(side ? { side } : {}),
      });
      if (by && change.respond) by.idempotency = undefined;
    });
  }

  /** The same loop around any way of appending, such as a job's fenced one; `append` must expect `state.version`. */
  async appending(
    tenant: TenantId,
    id: string,
    decide: Decide,
    append: (change: Change, state: RequestState) => Promise<void>,
  ): Promise<RequestState> {
    for (let attempt = 1; ; attempt++) {
      const state = await this.load(tenant, id);
      const change = await decide(state);
      if (!change || change.events.length === 0) return state;
      try {
        await append(change, state);
        return await this.load(tenant, id);
      } catch (error) {
        if (!(error instanceof VersionConflict) || attempt >= ATTEMPTS) throw error;
      }
    }
  }
}
