/** What random sequences have learnt from answers, and the next call that somebody could sensibly make of it. */
import type { Json } from '#kernel';
import type { TestAnswer } from '../support/test-server.js';

export type Answer = TestAnswer['body'];
export type Who = 'officer' | 'officer2' | 'admin' | 'auditor' | 'system';

/** Something that exists, as far as is known; what else is known of it stands beside its id. */
export type Thing = Answer;

/** A call of one route that should work now. */
export interface Step {
  as?: Who;
  /** Instead of `as`: a key that was made on the way. */
  key?: string;
  /** Values of the path's parameters, in their order. */
  path?: readonly string[];
  query?: string;
  body?: Json;
  /** What an answer of success tells. */
  learn?: (answer: Answer) => void;
  /** What a refusal tells: things are otherwise than was thought. */
  otherwise?: () => void;
}

/** The next call of a route; undefined while there is nothing to call it with. */
export type Move = (known: Known) => Step | undefined;

export class Known {
  private readonly things = new Map<string, Thing[]>();
  private names = 0;
  /** What a list should have shown and did not. */
  readonly lost: string[] = [];

  constructor(
    readonly chance: (below: number) => number,
    readonly now: () => string,
    /** Where webhooks may be sent. */
    readonly hook: string,
    private readonly seed: number,
  ) {}

  pick<T>(from: readonly T[]): T {
    return from[this.chance(from.length)]!;
  }

  /** A name that nothing has. */
  fresh(word: string): string {
    return `${word}-${this.seed}-${(this.names += 1)}`;
  }

  put(kind: string, thing: Thing): void {
    this.things.set(kind, [...this.all(kind), thing]);
  }

  drop(kind: string, thing: Thing): void {
    this.things.set(
      kind,
      this.all(kind).filter((one) => one !== thing),
    );
  }

  all(kind: string): Thing[] {
    return this.things.get(kind) ?? [];
  }

  some(kind: string, where: (thing: Thing) => boolean = () => true): Thing {
    return this.pick(this.all(kind).filter(where));
  }

  /** A whole list must hold everything that was made and not taken away. */
  shown(kind: string, { items, next = null }: { items: Thing[]; next?: unknown }): void {
    if (next !== null) return;
    const ids = new Set(items.map((one) => one.id));
    const lost = this.all(kind).filter((one) => !ids.has(one.id));
    if (lost.length > 0) this.lost.push(`${kind} not in its list: ${lost.map((one) => one.id).join(', ')}`);
  }
}

/** A move that needs a thing of this kind. */
export const withA =
  (kind: string, where: (thing: Thing, known: Known) => boolean, step: (thing: Thing, known: Known) => Step): Move =>
  (known) => {
    const thing = known.some(kind, (one) => where(one, known));
    return thing === undefined ? undefined : step(thing, known);
  };

export const always = (): boolean => true;

export const admin = { as: 'admin' } as const;
export const listed =
  (kind: string): Move =>
  (known) => ({ ...admin, learn: (list) => known.shown(kind, list) });
export const fewer = (known: Known, kind: string, most: number): boolean => known.all(kind).length < most;

/** How something is connected. */
export type Sort = 'plugin' | 'inbox' | 'remote' | 'place';
export const ofSort = (known: Known, sort: Sort): number =>
  known.all('connection').filter((one) => one.sort === sort).length;

/** Whether records are looked for there: a plugin that is on and not in quarantine. */
export const scanned = ({ sort, status, odd }: Thing): boolean => sort === 'plugin' && status === 'enabled' && !odd;
