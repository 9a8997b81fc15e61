/** Reads what came in at the door against what can be taken now. */
import { Inject, Injectable } from '@nestjs/common';
import { newId, type Clock } from '#kernel';
import { dateInZone, isTerritory, REGIMES, type CivilDate } from '#law';
import { CLOCK, type Caller } from '#platform';
import { Tenants } from '#tenancy';
import type { AvailableType } from '../request.js';
import { receivedInFuture, regimeUnknown, territoryInvalid, typeNotAvailable } from '../requests.errors.js';

const AVAILABLE: readonly string[] = ['access', 'erasure', 'objection', 'withdrawal'] satisfies AvailableType[];
const CLOCK_SKEW_MS = 60_000;

/** What a door hands over. */
export interface Incoming {
  type: string;
  regimes: string[];
  territory?: string | undefined;
  receivedAt?: string | undefined;
}

/** A request that can be taken, with its place and time. */
export interface Receipt {
  id: string;
  type: AvailableType;
  regimes: (typeof REGIMES)[number][];
  territory: string | undefined;
  timeZone: string;
  receivedAt: Date;
  receivedOn: CivilDate;
  now: Date;
}

/** Reads what came in against what can be taken now. */
@Injectable()
export class Intake {
  constructor(
    private readonly tenants: Tenants,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws 422 `request-type-not-available`, `regime-unknown`, `territory-invalid` and `received-at-in-future`. */
  async receive(by: Caller, body: Incoming): Promise<Receipt> {
    const { type, regimes } = body;
    if (!isAvailable(type)) throw typeNotAvailable(AVAILABLE);
    if (!regimes.every(isRegime))
      throw regimeUnknown(
        regimes.findIndex((one) => !isRegime(one)),
        REGIMES,
      );
    if (body.territory !== undefined && !isTerritory(body.territory)) throw territoryInvalid();
    const now = this.clock.now();
    const receivedAt = body.receivedAt === undefined ? now : new Date(body.receivedAt);
    if (receivedAt.getTime() > now.getTime() + CLOCK_SKEW_MS) throw receivedInFuture();
    const tenant = await this.tenants.get(by.tenant);
    const territory = body.territory ?? tenant.territory ?? undefined;
    const { timeZone } = tenant;
    return {
      id: newId(now.getTime()),
      type,
      regimes: [...new Set(regimes)],
      territory,
      timeZone,
      receivedAt,
      receivedOn: dateInZone(receivedAt, timeZone),
      now,
    };
  }
}

function isAvailable(type: string): type is AvailableType {
  return AVAILABLE.includes(type);
}

function isRegime(regime: string): regime is (typeof REGIMES)[number] {
  return (REGIMES as readonly string[]).includes(regime);
}
