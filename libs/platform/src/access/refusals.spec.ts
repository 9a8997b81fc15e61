/** Refused attempts are facts; so many that the rest cannot be told apart is a fact as well. */
import { describe, expect, it } from '@jest/globals';
import { DomainError, newId, TestClock, type TenantId } from '#kernel';
import type { EventStore } from '#ledger';
import type { KeyProvider } from '../keys/key-provider.js';
import { createLogger } from '../log.js';
import { Caller } from './caller.js';
import { Refusals, type ApprovalRefused, type Attempt } from './refusals.js';

const by = new Caller({
  ...{ kind: 'human', id: 'm', tenant: 't' as TenantId, mode: 'test', roles: [], scopes: [], actorRef: 'member:m' },
});
const refusal = new DomainError(409, 'approver-repeated', 'twice');
const about = (id: string): Attempt => ({ route: 'approveRequest', params: { id }, approves: true });

describe('a caller who is refused', () => {
  const recorded: ApprovalRefused[] = [];
  const store = {
    append: async ({ events: [event] }: { events: { data: ApprovalRefused }[] }) => void recorded.push(event!.data),
  } as unknown as EventStore;
  const clock = new TestClock(new Date());
  const refusals = new Refusals(store, {} as KeyProvider, clock, createLogger('silent'));

  it('more often than is recorded one by one leaves a fact that says so, every minute anew', async () => {
    for (let at = 0; at < 70; at++) await refusals.record(by, about(newId()), refusal);
    const codes = recorded.map(({ code }) => code);
    expect(codes).toEqual([...Array.from({ length: 60 }, () => 'approver-repeated'), 'refusals-not-listed']);
    expect(recorded.at(-1)).toMatchObject({ route: 'approveRequest', target: {} });
    clock.advance(61_000);
    for (let at = 0; at < 70; at++) await refusals.record(by, about(newId()), refusal);
    expect(recorded.filter(({ code }) => code === 'refusals-not-listed')).toHaveLength(2);
  });
});
