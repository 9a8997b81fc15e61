/** What the promises of the conformance suite work with: a real system, its connector, and words for what came out. */
import type { Connector, Ctx, Item, Located, Op, Outcome, Target, Verification } from '@lethe/plugin-sdk';
import { ADA, differences, shopMap, snapshot, type RunSql } from './conformance-shop.js';

/** A real system with the planted shop in it. */
export interface ConformanceSystem {
  sql: RunSql;
  /** Call context whose configuration carries this table map. */
  context(tableMap: unknown): Ctx<unknown>;
  /** Runs after each planting: counting triggers, files beside the database. */
  planted?(): Promise<void>;
  /** Rows changed since planting, one line each (`customers/1 DELETE`), where the system can count them. */
  changes?(): Promise<string[]>;
  /** Equal before and after when nothing was written: a file hash, or the number of writing statements in the server's log. */
  fingerprint(): Promise<string>;
  stop(): Promise<void>;
}

export const ERASURE: Op = { kind: 'erasure' };
export const RULE = 'de-invoice-8y';

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

/** An item of verified identifiers. */
export function person(...ids: [type: string, value: string][]): Item {
  return { itemKey: 'item-1', generation: 0, ids: ids.map(([type, value]) => ({ type, value, strength: 'verified' })) };
}

export const ada = person(['email', ADA.email], ['shop-customer-id', ADA.customer]);

export function refs(located: Located[], blockedBy?: string): string[] {
  return located
    .filter((row) => row.blockedBy === blockedBy)
    .map((row) => `${row.dataset}/${row.ref}`)
    .sort();
}

export function targetsOf(located: Located[]): Target[] {
  const action = (dataset: string): Target['action'] =>
    shopMap.datasets.find((entry) => entry.name === dataset)?.action as Target['action'];
  return located
    .filter((row) => row.blockedBy === undefined)
    .map((row) => ({ ...row, action: action(row.dataset), ruleId: RULE }));
}

export function kinds(outcomes: Outcome[]): string[] {
  return outcomes
    .map((entry) => `${entry.dataset}/${entry.ref} ${entry.kind}${entry.note ? ` ${entry.note}` : ''}`)
    .sort();
}

export function residues(verified: Verification[]): string[] {
  return verified
    .flatMap((entry) =>
      entry.kind === 'clean' ? [] : [`${entry.dataset}/${entry.ref} ${entry.by} ${entry.field ?? ''}`.trim()],
    )
    .sort();
}

export const ADAS = [
  'customers/1', 'households/10', 'invoices/200', 'messages/400', 'messages/401', 'order-lines/1000', 'order-lines/1001', 'order-lines/1002',
  'orders/100', 'orders/101', 'orders/102', 'reviews/300',
]; // prettier-ignore

/** One connector on its planted system, with the calls a promise makes. */
export class ConformanceShop {
  constructor(
    readonly connector: Connector<unknown>,
    readonly system: ConformanceSystem,
  ) {}

  context(map: unknown = shopMap): Ctx<unknown> {
    return this.system.context(map);
  }

  async locate(item: Item): Promise<Located[]> {
    return collect(this.connector.locate(this.context(), [item]));
  }

  async apply(targets: Target[], item = ada, op = ERASURE): Promise<Outcome[]> {
    return collect(this.connector.apply(this.context(), op, [item], targets));
  }

  async verify(targets: Target[], item = ada): Promise<Verification[]> {
    return collect(this.connector.verify(this.context(), [item], targets));
  }

  /** What is different after `work`. */
  async changed(work: () => Promise<unknown>): Promise<string[]> {
    const before = await snapshot(this.system.sql);
    await work();
    return differences(before, await snapshot(this.system.sql));
  }
}

/** A promise every SQL connector keeps, in words and as a proof that can fail. */
export type ConnectorPromise = [title: string, proof: (shop: ConformanceShop) => Promise<void>];
