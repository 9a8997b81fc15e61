/** A setting is what its approved changes have made of it at a moment; before the first one it is the default. */
import { describe, expect, it } from '@jest/globals';
import type { StoredEvent } from '#ledger';
import { foldSetting, openChange, PROPOSAL_TTL_MS, SETTING_DELAY_MS, valueAt } from './settings.js';

const at = (hours: number): Date => new Date(Date.parse('2026-11-02T00:00:00Z') + hours * 3_600_000);
const event = (type: string, hours: number, data: object): StoredEvent =>
  ({ type, data, recordedAt: at(hours).toISOString() }) as unknown as StoredEvent;
const proposed = (id: string, hours: number, to: 'on' | 'off'): StoredEvent =>
  event('SettingChangeProposed.v1', hours, { id, from: to === 'on' ? 'off' : 'on', to, by: 'admin' });
const approved = (id: string, hours: number): StoredEvent =>
  event('SettingChangeApproved.v1', hours, {
    id,
    effectiveAt: new Date(at(hours).getTime() + SETTING_DELAY_MS).toISOString(),
  });

describe('a setting', () => {
  it('holds its default until an approved change is a day old', () => {
    const changes = foldSetting([proposed('a', 0, 'off'), approved('a', 1)]);
    const values = [0, 1, 24.9, 25, 100].map((hours) => valueAt('two-person-erasure', changes, at(hours)));
    expect(values).toEqual(['on', 'on', 'on', 'off', 'off']);
  });

  it('ignores what was proposed only, and what was cancelled before its hour', () => {
    expect(valueAt('two-person-erasure', foldSetting([proposed('a', 0, 'off')]), at(999))).toBe('on');
    const cancelled = [proposed('a', 0, 'off'), approved('a', 1), event('SettingChangeCancelled.v1', 2, { id: 'a' })];
    expect(valueAt('two-person-erasure', foldSetting(cancelled), at(999))).toBe('on');
  });

  it('remembers what held before: the past does not change with a later decision', () => {
    const changes = foldSetting([
      proposed('a', 0, 'off'),
      approved('a', 1),
      proposed('b', 50, 'on'),
      approved('b', 51),
    ]);
    const values = [10, 30, 74, 76].map((hours) => valueAt('two-person-erasure', changes, at(hours)));
    expect(values).toEqual(['on', 'off', 'off', 'on']);
  });

  it('has one open change: a proposal for three days, an approved one for its day', () => {
    const changes = foldSetting([proposed('a', 0, 'off')]);
    expect(openChange(changes, at(71))?.id).toBe('a');
    expect(openChange(changes, new Date(at(0).getTime() + PROPOSAL_TTL_MS))).toBeUndefined();
    const waiting = foldSetting([proposed('a', 0, 'off'), approved('a', 1)]);
    expect([openChange(waiting, at(24))?.id, openChange(waiting, at(25))?.id]).toEqual(['a', undefined]);
  });
});
