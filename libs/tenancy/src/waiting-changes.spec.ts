/** What is appended with a member's leaving, so that no change of a setting slips through beside it. */
import { describe, expect, it } from '@jest/globals';
import { newId, TestClock, type TenantId } from '#kernel';
import type { Members } from './members.js';
import type { SettingChange, Settings } from './settings.js';
import { WaitingChanges } from './waiting-changes.js';

const now = new Date('2026-11-22T09:00:00Z');
const change: SettingChange = {
  ...{ id: 'a', from: 'on', to: 'off', proposedBy: 'olga', proposedAt: now.toISOString(), status: 'proposed' },
};
const approved: SettingChange = {
  ...change,
  status: 'approved',
  approvedBy: 'piet',
  effectiveAt: '2026-11-23T09:00:00Z',
};

describe('a member who leaves', () => {
  it.each([
    ['only proposed: who leaves may be approving it just now', [change], { 'setting/two-person-erasure': 7 }, 0],
    ['approved by who leaves', [approved], { 'setting/two-person-erasure': 7 }, 1],
    ['not there', [], {}, 0],
  ])('meets a change that is %s', async (_, changes, expected, cancelled) => {
    const members = { list: async () => [], able: async () => ['olga'] } as unknown as Members;
    const settings = { changes: async () => ({ changes, version: 7 }) } as unknown as Settings;
    const waiting = new WaitingChanges(members, settings, new TestClock(now));
    const { events, expect: versions } = await waiting.endedBy(newId() as TenantId, 'piet', []);
    expect([versions, events.length]).toEqual([expected, cancelled]);
  });
});
