/** Settings of a tenant that weaken or strengthen a control: changed by two people, in force a day later, read from the ledger. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantId } from '#kernel';
import { EventStore, type StoredEvent } from '#ledger';

/** What can be set, and what holds until it was. */
export const SETTINGS = { 'two-person-erasure': 'on' } as const;
export type SettingName = keyof typeof SETTINGS;
export const SettingValue = z.enum(['on', 'off']);
export type SettingValue = z.infer<typeof SettingValue>;

/** How long a change that two people want waits: long enough for a third to notice. */
export const SETTING_DELAY_MS = 24 * 3_600_000;
/** A change nobody approved in this time is void. */
export const PROPOSAL_TTL_MS = 72 * 3_600_000;

/** A change on its way or past. */
export interface SettingChange {
  id: string;
  from: SettingValue;
  to: SettingValue;
  status: 'proposed' | 'approved' | 'cancelled';
  proposedBy: string;
  proposedAt: string;
  approvedBy?: string;
  approvedAt?: string;
  effectiveAt?: string;
}

/** Stream of one setting. */
export const settingStream = (name: SettingName): string => `setting/${name}`;

/** Every change of a setting, oldest first. Pure. */
export function foldSetting(events: readonly StoredEvent[]): SettingChange[] {
  const changes: SettingChange[] = [];
  for (const { type, data, recordedAt } of events) {
    const fact = data as unknown as {
      id: string;
      from: SettingValue;
      to: SettingValue;
      by: string;
      effectiveAt: string;
    };
    const known = changes.find((one) => one.id === fact.id);
    if (type === 'SettingChangeProposed.v1') {
      const { id, from, to, by } = fact;
      changes.push({ id, from, to, status: 'proposed', proposedBy: by, proposedAt: recordedAt });
    }
    if (known && type === 'SettingChangeApproved.v1')
      Object.assign(known, {
        ...{ status: 'approved', approvedBy: fact.by, approvedAt: recordedAt, effectiveAt: fact.effectiveAt },
      });
    if (known && type === 'SettingChangeCancelled.v1') known.status = 'cancelled';
  }
  return changes;
}

/** What held at a moment. Pure. */
export function valueAt(name: SettingName, changes: readonly SettingChange[], at: Date): SettingValue {
  const inForce = changes.filter(
    (one) => one.status === 'approved' && one.effectiveAt !== undefined && Date.parse(one.effectiveAt) <= at.getTime(),
  );
  return inForce.at(-1)?.to ?? SETTINGS[name];
}

/** The change that still waits for approval or for its day; undefined when there is none. Pure. */
export function openChange(changes: readonly SettingChange[], now: Date): SettingChange | undefined {
  return changes.find((one) => {
    if (one.status === 'proposed') return Date.parse(one.proposedAt) + PROPOSAL_TTL_MS > now.getTime();
    return one.status === 'approved' && one.effectiveAt !== undefined && Date.parse(one.effectiveAt) > now.getTime();
  });
}

@Injectable()
export class Settings {
  constructor(private readonly store: EventStore) {}

  /** Value of a setting at a moment, as the ledger has it. */
  async at(tenant: TenantId, name: SettingName, moment: Date): Promise<SettingValue> {
    return valueAt(name, (await this.changes(tenant, name)).changes, moment);
  }

  /** All changes, and the version of the stream they were read at. */
  async changes(tenant: TenantId, name: SettingName): Promise<{ changes: SettingChange[]; version: number }> {
    const events = await this.store.load(tenant, settingStream(name));
    return { changes: foldSetting(events), version: events.at(-1)?.version ?? 0 };
  }
}
