/** An entry is rejected for what it says, never for the state of the service: a source does not send a rejected entry again. */
import { describe, expect, it } from '@jest/globals';
import { conflict, DomainError, unprocessable } from '#kernel';
import type { EventStore } from '#ledger';
import type { Caller, KeyProvider } from '#platform';
import type { Sealer, Subjects } from '#subjects';
import { ReportAccesses, ReportAccessesHandler } from './report-accesses.js';
import type { AccessVerdicts } from './verdicts.js';

const now = new Date('2026-11-02T09:00:00Z');
const entry = (id: string): ReportAccesses['entries'][number] => ({
  ...{
    id,
    actor: { type: 'user', id: 'u' },
    subject: { identifiers: [{ type: 'email', value: `${id}@example.test` }] },
  },
  ...{ action: 'read', resource: 'r', fields: [], purpose: 'p', at: now.toISOString() },
});

/** Reports two entries of which the second meets an error. */
function reportMeeting(error: Error): ReturnType<ReportAccessesHandler['execute']> {
  const subjects = {
    record: (_: string, [one]: { value: string }[]) =>
      one?.value === 'b@example.test' ? Promise.reject(error) : Promise.resolve({ position: 7 }),
  } as unknown as Subjects;
  const unused = {} as Sealer & KeyProvider & AccessVerdicts;
  const store = { database: { fetch: () => Promise.resolve({ rows: [] }) } } as unknown as EventStore;
  const handler = new ReportAccessesHandler(store, subjects, unused, unused, unused);
  const by = { tenant: 't', principal: { id: 'crm' } } as unknown as Caller;
  return handler.execute(new ReportAccesses(by, [entry('a'), entry('b')], now));
}

describe('an entry of the access log', () => {
  it('is rejected alone for what it says', async () => {
    expect(await reportMeeting(unprocessable('identifier-invalid', 'no'))).toEqual({
      ...{ accepted: 1, duplicates: 0, firstPosition: 7, lastPosition: 7 },
      rejected: [{ id: 'b', code: 'identifier-invalid', pointer: '/entries/1' }],
    });
    expect((await reportMeeting(conflict('subject-ambiguous', 'no'))).rejected).toHaveLength(1);
  });

  it('is not rejected because nothing can be written now: the whole call is to be repeated', async () => {
    const readOnly = new DomainError(503, 'read-only', { detail: 'full', retryable: true, retryAfter: 5 });
    await expect(reportMeeting(readOnly)).rejects.toBe(readOnly);
    const busy = conflict('busy', { detail: 'again', retryable: true });
    await expect(reportMeeting(busy)).rejects.toBe(busy);
  });
});
