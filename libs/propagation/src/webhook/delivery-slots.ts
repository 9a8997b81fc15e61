/** How many of this process's slots an endpoint may hold: one that does not answer holds one, and all such leave room. */
import { Injectable } from '@nestjs/common';

/** Deliveries this process makes at once. */
export const SLOTS = 24;
/** Of one endpoint that answers. */
export const SLOTS_OF_ONE = 4;
/** What endpoints may hold together beyond their first slot: they can all stop answering at the same moment. */
const MORE = 8;
/** Held together by endpoints that have not answered since they last failed, or since this process began. */
const UNPROVEN = 12;

/**
 * Kept in memory, since it is about this process's slots; another process learns by itself. An attempt may take ten
 * seconds, so what counts is how many can hang at the same time: at most `UNPROVEN`, or one each and `MORE`.
 */
@Injectable()
export class DeliverySlots {
  private readonly proven = new Set<string>();
  private readonly held = new Map<string, number>();

  /** For the claim: jobs of an endpoint that may run at once now. */
  most(endpoint: string): number {
    const held = this.held.get(endpoint) ?? 0;
    if (!this.mayEnter(endpoint)) return held;
    return this.proven.has(endpoint) ? Math.min(SLOTS_OF_ONE, held + 1 + MORE - this.more()) : 1;
  }

  /** Takes a slot; false when what was claimed together is more than may run together. The caller leaves it. */
  enter(endpoint: string): boolean {
    if (!this.mayEnter(endpoint)) return false;
    this.held.set(endpoint, (this.held.get(endpoint) ?? 0) + 1);
    return true;
  }

  leave(endpoint: string): void {
    const left = (this.held.get(endpoint) ?? 0) - 1;
    if (left > 0) this.held.set(endpoint, left);
    else this.held.delete(endpoint);
  }

  /** It answered, with whatever. */
  answered(endpoint: string): void {
    this.proven.add(endpoint);
  }

  /** It did not answer in time, could not be reached, or asked to be left alone. */
  silent(endpoint: string): void {
    this.proven.delete(endpoint);
  }

  private mayEnter(endpoint: string): boolean {
    const held = this.held.get(endpoint) ?? 0;
    if (!this.proven.has(endpoint)) return held === 0 && this.unproven() < UNPROVEN;
    return held === 0 || (held < SLOTS_OF_ONE && this.more() < MORE);
  }

  private more(): number {
    return [...this.held.values()].reduce((sum, held) => sum + held - 1, 0);
  }

  private unproven(): number {
    return [...this.held.keys()].filter((endpoint) => !this.proven.has(endpoint)).length;
  }
}
