/** What an import pipeline asks before it writes: may this row come in, and if not, by which scope and until when? */
import { z } from 'zod';
import { unprocessable, type SubjectId, type TenantId } from '#kernel';
import { Instant } from '#platform';
import type { Subjects } from '../subjects.js';
import { OWN_CONNECTION, type SuppressionHit, type Suppressions } from './suppressions.js';

const question = z.strictObject({
  ref: z.string().max(100).optional(),
  identifier: z.strictObject({ type: z.string(), value: z.string() }),
  /** What the row is for. A suppression of another purpose says nothing about it; without purpose and connection every one counts. */
  purpose: z.string().max(100).optional(),
  /** Where the row comes from or goes to: id or name of a connection, or `lethe` for what is imported here. */
  connection: z.string().max(100).optional(),
  /** With `connection`: a dataset that a hold or a legal duty keeps takes its rows in all the same. */
  dataset: z.string().max(100).optional(),
  /** When the data arose: an order's date, not the sync's. From before the erasure it stays out, a new order passes. */
  dataFrom: Instant,
});
export const CheckSuppressionsBody = z
  .strictObject({ items: z.array(question).min(1).max(500) })
  .meta({ id: 'CheckSuppressions' });

const Scope = z.strictObject({ kind: z.enum(['purpose', 'connection', 'all-sources']), id: z.string().nullable() });
export const CheckedSuppressions = z
  .strictObject({
    items: z.array(
      z.strictObject({
        ref: z.string().nullable(),
        suppressed: z.boolean(),
        /** The scope that keeps the row out; null when nothing does. */
        scope: Scope.nullable(),
        /** When that suppression ends. */
        until: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'CheckedSuppressions' });

/** True when a hold or a duty keeps the records of a dataset, of these people or of everybody. */
export type KeepsRecords = (
  tenant: TenantId,
  about: { connectionId: string; dataset: string; subjects: readonly SubjectId[] },
) => Promise<boolean>;

/** Ids of the tenant's connections, also of removed ones, with the names they go by. */
export type ConnectionNames = (tenant: TenantId) => Promise<readonly { id: string; name: string }[]>;

/** Holds, duties and connections lie in domains above: whoever knows them registers the questions. */
export class SuppressionKeeping {
  private keeps: KeepsRecords = () => Promise.resolve(false);
  private connections: ConnectionNames = () => Promise.resolve([]);

  use(keeps: KeepsRecords, connections: ConnectionNames): void {
    this.keeps = keeps;
    this.connections = connections;
  }

  ask(...question: Parameters<KeepsRecords>): Promise<boolean> {
    return this.keeps(...question);
  }

  /** Id behind what a caller calls a connection; undefined when none or several are called so. */
  async identify(tenant: TenantId, called: readonly string[]): Promise<ReadonlyMap<string, string | undefined>> {
    const all = called.some((one) => one !== OWN_CONNECTION) ? await this.connections(tenant) : [];
    const idOf = (one: string): string | undefined => {
      if (one === OWN_CONNECTION || all.some(({ id }) => id === one)) return one;
      const named = all.filter(({ name }) => name === one);
      return named.length === 1 ? named[0]?.id : undefined;
    };
    return new Map(called.map((one) => [one, idOf(one)]));
  }
}

type Answer = z.infer<typeof CheckedSuppressions>['items'][number];
type Item = z.infer<typeof question>;

export class SuppressionsCheck {
  constructor(
    private readonly suppressions: Suppressions,
    private readonly subjects: Pick<Subjects, 'lookup'>,
    private readonly keeping: SuppressionKeeping,
  ) {}

  /**
   * One answer an item, in order. A suppression is not active for what a hold or a duty keeps (privacy practice, 4).
   * Errors: 422 `connection-unknown`; a misspelt one would let everything in.
   */
  async answer(
    tenant: TenantId,
    { items: asked }: z.infer<typeof CheckSuppressionsBody>,
  ): Promise<z.infer<typeof CheckedSuppressions>> {
    const items = await this.withConnections(tenant, asked);
    const hits = await this.suppressions.find(
      tenant,
      items.map(({ identifier, purpose, connection, dataFrom }) => ({
        ...{ identifier, dataFrom: new Date(dataFrom) },
        ...(purpose === undefined ? {} : { purpose }),
        ...(connection === undefined ? {} : { connection }),
      })),
    );
    const kept = new Map<string, Promise<boolean>>();
    const answers = items.map(async (item, index): Promise<Answer> => {
      const hit = hits[index];
      const ref = item.ref ?? null;
      if (!hit || (await this.isKept(tenant, item, kept))) return { ref, suppressed: false, scope: null, until: null };
      return { ref, suppressed: true, scope: scopeOf(hit), until: hit.until.toISOString() };
    });
    return { items: await Promise.all(answers) };
  }

  private async withConnections(tenant: TenantId, items: readonly Item[]): Promise<Item[]> {
    const ids = await this.keeping.identify(
      tenant,
      items.flatMap(({ connection }) => connection ?? []),
    );
    const errors = items.flatMap(({ connection }, index) =>
      connection !== undefined && ids.get(connection) === undefined
        ? [{ pointer: `/items/${index}/connection`, code: 'connection-unknown' }]
        : [],
    );
    if (errors.length > 0)
      throw unprocessable('connection-unknown', {
        detail:
          'Give the id of a connection, its name when no other has it, or `lethe` for what is imported into Lethe.',
        errors,
      });
    return items.map(({ connection, ...item }) => ({
      ...item,
      ...(connection === undefined ? {} : { connection: ids.get(connection) }),
    }));
  }

  /** A duty is everybody's, so it is asked once a dataset; a hold may be on one person that is still known. */
  private async isKept(tenant: TenantId, item: Item, known: Map<string, Promise<boolean>>): Promise<boolean> {
    const { connection: connectionId, dataset, identifier } = item;
    if (connectionId === undefined || dataset === undefined) return false;
    const subjects = await this.subjects.lookup(tenant, [identifier]);
    const key = JSON.stringify([connectionId, dataset, subjects]);
    const asked = known.get(key) ?? this.keeping.ask(tenant, { connectionId, dataset, subjects });
    known.set(key, asked);
    return asked;
  }
}

function scopeOf({ scope }: SuppressionHit): z.infer<typeof Scope> {
  return { kind: scope.kind, id: scope.kind === 'all-sources' ? null : scope.id };
}
