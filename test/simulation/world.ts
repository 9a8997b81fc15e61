/** The connected systems of a simulated world: rows, what was done to them (the planted triggers), and how vendors fail. */
import type { Action, Identifier } from '@lethe/plugin-sdk';
import type { Chance } from './chance.js';

export interface WorldRow {
  system: string;
  dataset: string;
  ref: string;
  person: string;
  ids: (Identifier & { strength: 'identifying' | 'candidate' })[];
  startsOn?: string;
  /** `ambiguous-identifier` (an officer excludes it) or a running contract, until the vendor says it is over. */
  blockedBy?: string;
  shared: boolean;
  /** Number of what happened in the world until it came. */
  born: number;
  /** No longer leads to the person: deleted, anonymised or detached. */
  gone: boolean;
  deleted: boolean;
  stripped: boolean;
}

/** A change of a row as the planted trigger saw it. */
export interface Effect {
  row: WorldRow;
  /** `order`: a vendor's job was started for it. */
  action: Action | 'order';
  /** What the engine was doing: a step of a request, or what was kept until its day. */
  during: 'step' | 'aftercare';
  generation: number;
  /** Size of the log when it was asked for: tells the attempt it belongs to. */
  position: number;
  /** Size of the log when it happened. */
  arrived: number;
  at: number;
  /** Since when a hold kept the row at the moment of the call. */
  heldSince: number | undefined;
}

/** How a vendor makes a call safe to repeat: it remembers keys, it looks at the row, or it makes a job per new key. */
export type VendorKind = 'remembers-keys' | 'looks-at-row' | 'makes-jobs';

export interface VendorJob {
  handle: string;
  key: string;
  refs: Set<string>;
  /** Until then it waits for somebody to claim it, and can be taken back from a system that is asked. */
  begunAt: number;
  doneAt: number;
  mustFinishBy: string;
  /** What was noted of it; nobody ordered what was taken back. */
  order?: Effect;
}

export interface WorldSystem {
  id: string;
  kind: VendorKind;
  /** A plugin that can ask how pending work stands. */
  askable: boolean;
  datasets: { name: string; action: Action }[];
  /** No answer before this time. */
  downUntil: number;
  /** Says erased once and does nothing. */
  liesOnce: boolean;
  /** Refuses for good until a human changes its mind. */
  refusesUntil: number;
  remembered: Set<string>;
  jobs: Map<string, VendorJob>;
  /** Its honest answers to a verify, by size of the log. */
  verified: { position: number; tick: number }[];
}

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** Under a duty that ends with the year 2026. */
export const DUTY_STARTS = '2018-03-12';

export const mailboxOf = (person: string): Identifier => ({ type: 'email', value: `${person}@example.test` });
export const cardOf = (person: string): Identifier => ({ type: 'card', value: `k-${person}` });

export class World {
  now = Date.parse('2026-11-02T09:00:00Z');
  readonly rows: WorldRow[] = [];
  readonly effects: Effect[] = [];
  readonly systems = new Map<string, WorldSystem>();
  /** Dataset names under the invoice duty, as `system/dataset`. */
  readonly duties = new Set<string>();
  readonly holds = new Map<string, { id: string; placedAt: number }>();
  /** Requests of the network that arrive after their caller gave up. */
  readonly late: { at: number; run: () => void }[] = [];
  readonly mails = new Map<string, number>();
  mailDownUntil = 0;
  /** Real trouble: faults happen only while it lasts. */
  stormy = true;
  /** People write twice, and the office proves what they write from in any order. */
  twins = false;
  private made = 0;
  private ticks = 0;

  constructor(readonly chance: Chance) {}

  static made(chance: Chance, people: readonly string[]): World {
    const world = new World(chance);
    const systems = chance.between(1, 3);
    for (let n = 0; n < systems; n++) world.addSystem(`system-${n}`, n);
    for (const person of [...people, 'bystander']) world.populate(person);
    return world;
  }

  /** Orders what happens within one millisecond. */
  tick(): number {
    return (this.ticks += 1);
  }

  private addSystem(id: string, n: number): void {
    const { chance } = this;
    const datasets = [
      { name: 'accounts', action: chance.of<Action>(['erase', 'erase', 'anonymise']) },
      { name: 'invoices', action: chance.of<Action>(['erase', 'erase', 'strip']) },
    ].slice(0, n === 0 || chance.is(0.5) ? 2 : 1);
    if (chance.is(0.4)) this.duties.add(`${id}/invoices`);
    const kind = chance.of<VendorKind>(['remembers-keys', 'looks-at-row', 'makes-jobs']);
    this.systems.set(id, {
      ...{ id, kind, datasets, askable: chance.is(0.5), downUntil: 0, refusesUntil: 0, verified: [] },
      ...{ liesOnce: chance.is(0.1), remembered: new Set(), jobs: new Map() },
    });
  }

  private populate(person: string): void {
    for (const { id, datasets } of this.systems.values())
      for (const { name } of datasets) {
        const rows = name === 'accounts' ? 1 : this.chance.below(3);
        for (let n = 0; n < rows; n++) this.addRow(person, id, name);
      }
  }

  /** The first system knows the mailbox; the others only the number that its account leads to. */
  addRow(person: string, system: string, dataset: string): void {
    const { chance } = this;
    const ids: WorldRow['ids'] = [];
    if (system === 'system-0') ids.push({ ...mailboxOf(person), strength: 'identifying' });
    if (system !== 'system-0' || dataset === 'accounts')
      ids.push({ type: 'customer-id', value: `c-${person}`, strength: 'identifying' });
    if (chance.is(0.2)) ids.push({ type: 'phone', value: '+4520123456', strength: 'candidate' });
    const invoice = dataset === 'invoices';
    const blocked = person !== 'bystander' && chance.is(0.08);
    this.rows.push({
      ...{
        system,
        dataset,
        ref: `r${++this.made}`,
        person,
        ids,
        gone: false,
        deleted: false,
        stripped: false,
        born: this.tick(),
      },
      shared: invoice && chance.is(0.15),
      ...(invoice ? { startsOn: chance.is(0.6) ? DUTY_STARTS : '2009-05-05' } : {}),
      ...(blocked ? { blockedBy: invoice ? 'contract-running' : 'ambiguous-identifier' } : {}),
    });
  }

  /** Requests come twice from here on; some people hold a card that only one record knows, and no other leads to. */
  withTwins(people: readonly string[]): void {
    this.twins = true;
    for (const person of people) {
      if (this.chance.is(0.4)) continue;
      this.addRow(person, this.chance.of([...this.systems.keys()]), 'accounts');
      this.rows.at(-1)!.ids = [{ ...cardOf(person), strength: 'identifying' }];
    }
  }

  /** Rows that lead to one of the identifiers now. */
  led(system: string, ids: readonly Identifier[]): WorldRow[] {
    return this.rows.filter(
      (row) =>
        row.system === system &&
        !row.gone &&
        row.ids.some((own) => ids.some((asked) => asked.type === own.type && asked.value === own.value)),
    );
  }

  find(system: string, dataset: string, ref: string): WorldRow | undefined {
    return this.rows.find((row) => row.system === system && row.dataset === dataset && row.ref === ref);
  }

  /** Everything whose time has come outside Lethe: vendors' jobs end, lost calls arrive. */
  pass(): void {
    const due = this.late.filter(({ at }) => at <= this.now);
    for (const one of due) {
      this.late.splice(this.late.indexOf(one), 1);
      one.run();
    }
  }

  /** The next moment at which something happens by itself; undefined when nothing will. */
  get nextAt(): number | undefined {
    const times = this.late.map(({ at }) => at).filter((at) => at > this.now);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  isHeld(system: string, dataset: string): boolean {
    return this.holds.has(`${system}/${dataset}`);
  }
}
