/** A change of a setting that waits for its day is carried by its two people: it ends with the place of either. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, TenantId } from '#kernel';
import type { Append } from '#ledger';
import { CLOCK, type Role } from '#platform';
import { Members } from './members.js';
import { openChange, SETTINGS, Settings, settingStream, type SettingName } from './settings.js';

@Injectable()
export class WaitingChanges {
  constructor(
    private readonly members: Members,
    private readonly settings: Settings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * What is appended when a member has these roles from now on, none for who leaves: each change that either of its two
   * could not propose or approve any more is cancelled, under whichever account they did it.
   */
  async endedBy(tenant: TenantId, id: string, roles: Role[]): Promise<Required<Pick<Append, 'events' | 'expect'>>> {
    const members = (await this.members.list(tenant)).map((one) => (one.id === id ? { ...one, roles } : one));
    const [proposers, approvers] = await Promise.all([
      this.members.able(tenant, 'configure', 'Tenant', members),
      this.members.able(tenant, 'approve', 'Tenant', members),
    ]);
    const ended: Required<Pick<Append, 'events' | 'expect'>> = { events: [], expect: {} };
    for (const name of Object.keys(SETTINGS) as SettingName[]) {
      const { changes, version } = await this.settings.changes(tenant, name);
      const open = openChange(changes, this.clock.now());
      if (!open) continue;
      const stream = settingStream(name);
      // Also of one that is only proposed: who leaves may be approving it just now.
      ended.expect[stream] = version;
      if (open.approvedBy === undefined) continue;
      if (proposers.includes(open.proposedBy) && approvers.includes(open.approvedBy)) continue;
      ended.events.push({ stream, type: 'SettingChangeCancelled.v1', data: { id: open.id, name } });
    }
    return ended;
  }
}
