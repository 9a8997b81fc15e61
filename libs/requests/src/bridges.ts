/** The real neighbours behind the ports: #retention's rules, Lethe's own erasure. */
import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Purposes, StopPurposes } from '#consent';
import { unprocessable, type SubjectId, type TenantId } from '#kernel';
import { Holds, RetentionRules } from '#retention';
import { EraseIdentity, KeyStore, type KeyClass } from '#subjects';
import { KeepingRules } from './step/connected-systems.js';
import type { DutyFact, HoldFact } from './plan/decision.js';
import { OwnErasure, WithdrawalPort } from './ports.js';

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

/** Bases a person can stop: consent by withdrawing (GDPR 7(3)), what rests on interests by objecting (21). */
const STOPPABLE: Record<'objection' | 'withdrawal', readonly string[]> = {
  withdrawal: ['consent'],
  objection: ['consent', 'legitimate-interest', 'public-task'],
};

@Injectable()
export class ConsentStops extends WithdrawalPort {
  constructor(
    private readonly stops: StopPurposes,
    private readonly purposes: Purposes,
  ) {
    super();
  }

  async assertStoppable(
    tenant: TenantId,
    type: 'objection' | 'withdrawal',
    purposes: readonly string[],
  ): Promise<void> {
    if (purposes.length === 0) return;
    const known = await this.purposes.all(tenant);
    for (const [index, id] of purposes.entries()) {
      const purpose = known.find((one) => one.id === id);
      if (purpose && STOPPABLE[type].includes(purpose.legalBasis)) continue;
      const code = purpose ? 'decision-not-applicable' : 'purpose-unknown';
      throw unprocessable(code, {
        detail: 'A purpose is not defined, or rests on a basis that nobody can withdraw from or object to. See errors.',
        errors: [{ pointer: `/purposes/${index}`, code }],
      });
    }
  }

  stop(call: Parameters<WithdrawalPort['stop']>[0]): Promise<{ stopped: number }> {
    return this.stops.stop(call);
  }
}
