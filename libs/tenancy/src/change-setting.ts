/** Proposes, approves and cancels the change of a setting. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { newId, notFound, unprocessable, type Clock, type JsonObject } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, decidingHuman, vouchedHuman, type Caller } from '#platform';
import { Members } from './members.js';
import {
  openChange,
  SETTING_DELAY_MS,
  settingStream,
  SETTINGS,
  Settings,
  SettingValue,
  valueAt,
  type SettingChange,
  type SettingName,
} from './settings.js';
import { changeNotNow, changePending, proposerGone, proposerRepeated } from './tenancy.errors.js';

const names = Object.keys(SETTINGS) as [SettingName, ...SettingName[]];

export const ProposeSettingBody = z
  .strictObject({ name: z.enum(names), value: SettingValue })
  .meta({ id: 'ProposeSettingChange' });

export const SettingChangeView = z
  .strictObject({
    id: z.uuid(),
    name: z.enum(names),
    from: SettingValue,
    to: SettingValue,
    status: z.enum(['proposed', 'approved', 'cancelled']),
    proposedAt: z.iso.datetime(),
    effectiveAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'SettingChange' });
export type SettingChangeView = z.infer<typeof SettingChangeView>;

const SettingView = z
  .strictObject({ name: z.enum(names), value: SettingValue, open: SettingChangeView.nullable() })
  .meta({ id: 'Setting' });
export const SettingList = z.strictObject({ items: z.array(SettingView), next: z.null() }).meta({ id: 'SettingList' });

@Injectable()
export class ChangeSetting {
  constructor(
    private readonly store: EventStore,
    private readonly settings: Settings,
    private readonly members: Members,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async list(by: Caller): Promise<z.infer<typeof SettingList>> {
    const now = this.clock.now();
    const items = await Promise.all(
      names.map(async (name) => {
        const { changes } = await this.settings.changes(by.tenant, name);
        const open = openChange(changes, now);
        return { name, value: valueAt(name, changes, now), open: open ? viewOf(name, open) : null };
      }),
    );
    return { items, next: null };
  }

  /** Errors: 403 `credential-unconfirmed`, 409 `setting-change-pending`, 422 `setting-unchanged`. */
  async propose(by: Caller, { name, value }: z.infer<typeof ProposeSettingBody>): Promise<SettingChangeView> {
    const { humanId: proposedBy } = vouchedHuman(by);
    const now = this.clock.now();
    const { changes, version } = await this.settings.changes(by.tenant, name);
    if (openChange(changes, now)) throw changePending();
    const from = valueAt(name, changes, now);
    if (from === value) throw unprocessable('setting-unchanged', 'This value is in force already.');
    const change: SettingChange = {
      ...{ id: newId(), from, to: value, status: 'proposed', proposedBy, proposedAt: now.toISOString() },
    };
    const data = { id: change.id, name, from, to: value, by: proposedBy };
    return this.append(by, { name, version }, 'SettingChangeProposed.v1', data, change, 201);
  }

  /** Errors: 409 `approver-repeated` for the human who proposed it, 409 `setting-change-not-open`, 409 `proposer-gone`. */
  async approve(by: Caller, id: string): Promise<SettingChangeView> {
    const now = this.clock.now();
    const { humanIds, humanId } = decidingHuman(by, now);
    const place = await this.members.expecting(by.tenant, by.principal.id, 'approve', 'Tenant');
    const { name, change, open, version } = await this.find(by, id, now);
    if (humanIds.includes(change.proposedBy)) throw proposerRepeated();
    if (change.status !== 'proposed' || !open) throw changeNotNow(change.status);
    const here = await this.members.able(by.tenant, 'configure', 'Tenant');
    if (!here.includes(change.proposedBy)) throw proposerGone();
    const effectiveAt = new Date(now.getTime() + SETTING_DELAY_MS).toISOString();
    const data = { id, name, from: change.from, to: change.to, by: humanId, effectiveAt };
    const approved: SettingChange = { ...change, status: 'approved', effectiveAt };
    return this.append(by, { name, version, place }, 'SettingChangeApproved.v1', data, approved);
  }

  /** Anybody who may operate the tenant stops a change before its hour; nothing is weaker for it. */
  async cancel(by: Caller, id: string): Promise<SettingChangeView> {
    const { name, change, open, version } = await this.find(by, id, this.clock.now());
    if (!open) throw changeNotNow(change.status);
    const cancelled: SettingChange = { ...change, status: 'cancelled' };
    return this.append(by, { name, version }, 'SettingChangeCancelled.v1', { id, name }, cancelled);
  }

  private async find(
    by: Caller,
    id: string,
    now: Date,
  ): Promise<{ name: SettingName; change: SettingChange; open: boolean; version: number }> {
    for (const name of names) {
      const { changes, version } = await this.settings.changes(by.tenant, name);
      const change = changes.find((one) => one.id === id);
      if (change) return { name, change, open: openChange(changes, now)?.id === id, version };
    }
    throw notFound('setting change');
  }

  private async append(
    by: Caller,
    { name, version, place }: { name: SettingName; version: number; place?: Record<string, number> },
    type: string,
    data: JsonObject,
    after: SettingChange,
    status = 200,
  ): Promise<SettingChangeView> {
    const view = viewOf(name, after);
    const stream = settingStream(name);
    const { idempotency } = by;
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [{ stream, type, data }],
      expect: { ...place, [stream]: version },
      ...(idempotency ? { idempotency, respond: () => ({ status, body: view as JsonObject }) } : {}),
    });
    by.idempotency = undefined;
    return view;
  }
}

function viewOf(name: SettingName, change: SettingChange): SettingChangeView {
  const { id, from, to, status, proposedAt, effectiveAt = null } = change;
  return { id, name, from, to, status, proposedAt, effectiveAt };
}
