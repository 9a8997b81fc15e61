/** What a process refuses: the worst is told, its beginning stays, and a full disk stops no reading. */
import { describe, expect, it } from '@jest/globals';
import { TestClock } from '#kernel';
import { ServiceState } from './service-state.js';

describe('the state of a service', () => {
  it('names the worst reason first, since when it began, and how long to wait', () => {
    const clock = new TestClock(new Date('2026-11-22T10:00:00Z'));
    const state = new ServiceState(clock);
    expect(() => state.assertWritable()).not.toThrow();
    state.refuse('read-only', 'The disk is full.');
    clock.advance(5_000);
    state.refuse('quarantined', 'Run lethe replay.');
    state.refuse('read-only', 'The disk is still full.');
    expect(state.refusals.map(({ code }) => code)).toEqual(['quarantined', 'read-only']);
    expect(state.refusals.at(-1)).toEqual({
      ...{ code: 'read-only', detail: 'The disk is still full.' },
      since: new Date('2026-11-22T10:00:00Z'),
    });
    expect(() => state.assertWritable()).toThrow(
      expect.objectContaining({
        status: 503,
        code: 'quarantined',
        details: expect.objectContaining({ retryAfter: 10 }),
      }),
    );
  });

  it('lets be read what is sound, and nothing that may be older than what was promised', () => {
    const state = new ServiceState(new TestClock(new Date()));
    for (const code of ['read-only', 'clock-skew'] as const) {
      state.refuse(code, 'x');
      expect(() => state.assertReadable()).not.toThrow();
      expect(() => state.assertWritable()).toThrow();
      state.clear(code);
    }
    for (const code of ['quarantined', 'rollback-detected'] as const) {
      state.refuse(code, 'x');
      expect(() => state.assertReadable()).toThrow(expect.objectContaining({ code }));
      state.clear(code);
    }
    expect(state.refusals).toEqual([]);
  });
});
