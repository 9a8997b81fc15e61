/** The real neighbours behind the ports: #retention's rules, Lethe's own erasure. */
import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Purposes, RememberObjections, StopPurposes } from '#consent';
import { unprocessable, type Clock, type SubjectId, type TenantId } from '#kernel';
import { Holds, RetentionRules } from '#retention';
import { CLOCK } from '#platform';
import { EraseIdentity, KeyStore, normaliseAll, People, Suppressions, type Identifier, type KeyClass } from '#subjects';
import { KeepingRules } from './step/connected-systems.js';
import { KnownElsewhere } from './step/known-elsewhere.js';
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

  isNamed(tenant: TenantId, people: readonly SubjectId[]): Promise<boolean> {
    return this.holds.name(tenant, people);
  }

  duty(tenant: TenantId, connectionId: string, dataset: string): Promise<DutyFact | undefined> {
    return this.rules.dutyFor(tenant, connectionId, dataset);
  }
}

const ACTOR = 'system:requests';
/** An objection to marketing has no end (GDPR 21(3)) and a mark about somebody unknown must have one; objecting again renews it. */
const OBJECTION_DAYS = 3_653;
const BATCH = 20;

@Injectable()
export class SubjectErasure extends OwnErasure {
  constructor(
    private readonly commands: CommandBus,
    private readonly keys: KeyStore,
    private readonly objections: RememberObjections,
    private readonly elsewhere: KnownElsewhere,
  ) {
    super();
  }

  override isKnown(tenant: TenantId, subject: SubjectId): Promise<boolean> {
    return this.elsewhere.isKnown(tenant, subject);
  }

  override remember(tenant: TenantId, subject: SubjectId): Promise<{ count: number; until: string } | undefined> {
    return this.objections.remember(tenant, subject);
  }

  async erase(
    tenant: TenantId,
    subject: SubjectId,
    classes: readonly KeyClass[],
    known: readonly Identifier[] = [],
  ): Promise<void> {
    await this.objections.during(tenant, subject, known.flatMap(normal), async () => {
      const { keys } = await this.commands.execute(new EraseIdentity({ tenant, actorRef: ACTOR }, subject, classes));
      return new Date(Math.max(...keys.map(({ shreddedAt }) => Date.parse(shreddedAt))));
    });
  }

  async eraseFile(tenant: TenantId, keyHolder: SubjectId): Promise<void> {
    await this.keys.shred(tenant, keyHolder, ['case']);
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
    private readonly suppressions: Suppressions,
    private readonly people: People,
    @Inject(CLOCK) private readonly clock: Clock,
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

  async stop(call: Parameters<WithdrawalPort['stop']>[0]): ReturnType<WithdrawalPort['stop']> {
    const { stopped, purposes } = await this.stops.stop(call);
    // Without a consent nobody may be mailed anyway; only what needs none comes back with an old list.
    if (call.type === 'withdrawal' || purposes.length === 0) return { stopped };
    return { stopped, remembered: await this.remember(call, purposes) };
  }

  /** Data from before the objection stays out for these purposes, also once nobody here knows the person any more. */
  private async remember(
    { tenant, subject, identifiers }: Parameters<WithdrawalPort['stop']>[0],
    purposes: readonly string[],
  ): Promise<{ count: number; until: string }> {
    const before = this.clock.now();
    const expiresAt = new Date(before.getTime() + OBJECTION_DAYS * 86_400_000);
    const known = await this.people.identifiersOf(tenant, subject);
    const readable = known.flatMap(({ type, value }) => (value === undefined ? [] : [{ type, value }]));
    const all = [
      ...new Map(
        [...identifiers, ...readable].flatMap(normal).map((one) => [`${one.type} ${one.value}`, one]),
      ).values(),
    ];
    for (const id of purposes)
      for (let from = 0; from < all.length; from += BATCH) {
        const marks = { scope: { kind: 'purpose', id }, before, expiresAt } as const;
        await this.suppressions.suppress(tenant, all.slice(from, from + BATCH), marks);
      }
    return { count: all.length * purposes.length, until: expiresAt.toISOString() };
  }
}

/** None for what cannot be read as an identifier: nothing could be compared with it. */
function normal({ type, value }: Identifier): Identifier[] {
  try {
    return normaliseAll([{ type, value }]).map((one) => ({ type: one.type, value: one.value }));
  } catch {
    return [];
  }
}
