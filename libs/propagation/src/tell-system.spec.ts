/** A call that tells a decision belongs to the job that makes it: who has lost the job tells nobody an older one. */
import { describe, expect, it } from '@jest/globals';
import type { ConnectorCalls, SystemCallOptions } from '#connectors';
import { FenceLost, type Job, type JobContext, type JobResult } from '#jobs';
import { newId, TestClock, type TenantId } from '#kernel';
import type { Database } from '#ledger';
import { ConnectorObedience } from './connector-obedience.js';
import type { ObeyPayload } from './obey-job.js';
import type { Systems } from './systems.js';
import { TellSystem, type TellPeople } from './tell-system.js';

const clock = new TestClock(new Date('2026-11-22T12:00:00Z'));
const nowhere = {} as Database;
const connectionId = newId();
const system = { id: 'crm', status: 'active', channel: 'inbox', purposes: ['*'], connectionId };
const person = { subject: newId(), identifiers: [], decisions: [] };

interface Course {
  heartbeat?: () => Promise<void>;
  /** How the system is declared once it has been told. */
  afterwards?: object;
}

/** One job that tells `crm`; `said` is what happened, in order. */
function telling({ heartbeat = () => Promise.resolve(), afterwards = system }: Course = {}) {
  const { signal } = new AbortController();
  const said: string[] = [];
  const options: SystemCallOptions[] = [];
  const note = <Answer>(word: string, answer: Answer): Promise<Answer> => {
    said.push(word);
    return Promise.resolve(answer);
  };
  const calls = {
    obey: (_tenant: TenantId, _id: string, _people: object[], own: SystemCallOptions) => {
      options.push(own);
      return note('told', []);
    },
  } as unknown as ConnectorCalls;
  const systems = { find: () => Promise.resolve(options.length === 0 ? system : afterwards) } as unknown as Systems;
  const people = { standing: () => note('looked', person) } as unknown as TellPeople;
  const payload: ObeyPayload = { systemId: 'crm', connectionId, subject: person.subject, purpose: null, position: 7 };
  const job = { tenant: newId(), id: newId(), generation: 0, dedupeKey: 'obey/crm/7', payload } as Job<ObeyPayload>;
  const context = {
    signal,
    heartbeat: () => note('renewed', undefined).then(heartbeat),
    finish: (): Promise<JobResult> => note('acknowledged', { kind: 'settled' }),
  } as unknown as JobContext;
  const run = (): Promise<JobResult> =>
    new TellSystem(systems, people, new ConnectorObedience(calls), nowhere, clock).run(job, context);
  return { said, options, signal, run };
}

describe('telling a system of a decision', () => {
  it('stops with its job: it waits under the signal, and renews the lease after its last look', async () => {
    const { said, options, signal, run } = telling();
    await run();
    expect(said).toEqual(['looked', 'renewed', 'told', 'acknowledged']);
    expect(options.map((own) => own.signal)).toEqual([signal]);
  });

  it('does not happen when the job was lost while it looked', async () => {
    const { said, run } = telling({ heartbeat: () => Promise.reject(new FenceLost()) });
    await expect(run()).rejects.toThrow(FenceLost);
    expect(said).toEqual(['looked', 'renewed']);
  });

  it.each([
    ['channel', { channel: 'cursor' }],
    ['connection', { connectionId: newId() }],
  ])('is nobody else’s word when the system was declared with another %s meanwhile', async (_, anew) => {
    const { said, run } = telling({ afterwards: { ...system, ...anew } });
    expect(await run()).toEqual({ kind: 'later', runAt: clock.now() });
    expect(said).toEqual(['looked', 'renewed', 'told']);
  });
});
