/** The real neighbours behind the ports: #retention's rules, Lethe's own erasure. */
import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { SubjectId, TenantId } from '#kernel';
import { Holds, RetentionRules } from '#retention';
import { EraseIdentity, KeyStore, type KeyClass } from '#subjects';
import { KeepingRules } from './connected-systems.js';
import type { DutyFact, HoldFact } from './decision.js';
import { OwnErasure } from './ports.js';

@Injectable()
export class RetentionKeeping extends KeepingRules {
  constructor(
    private readonly holds: Holds,
    private readonly rules: RetentionRules,
  ) {
    super();
  }

  hold(
    tenant: TenantId,
    about: { subject: SubjectId; connectionId: string; dataset: string },
  ): Promise<HoldFact | undefined> {
    return this.holds.covering(tenant, about);
  }

  duty(tenant: TenantId, connectionId: string, dataset: string): Promise<DutyFact | undefined> {
    return this.rules.dutyFor(tenant, connectionId, dataset);
  }
}

const ACTOR = 'system:requests';

@Injectable()
export class SubjectErasure extends OwnErasure {
  constructor(
    private readonly commands: CommandBus,
    private readonly keys: KeyStore,
  ) {
    super();
  }

  async erase(tenant: TenantId, subject: SubjectId, classes: readonly KeyClass[]): Promise<void> {
    await this.commands.execute(new EraseIdentity({ tenant, actorRef: ACTOR }, subject, classes));
  }

  async isReadable(tenant: TenantId, subject: SubjectId): Promise<boolean> {
    return 'key' in (await this.keys.find(tenant, subject, 'identity'));
  }

  /** A backup of the key store can open the key until the epoch it was wrapped under is destroyed; nobody knows that day before. */
  async horizon(): Promise<string | null> {
    return null;
  }
}
