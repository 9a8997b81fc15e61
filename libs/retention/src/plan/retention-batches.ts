/** The records of an approved run, sealed by batch: kept before anything is written, gone when the run ends. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, SubjectId, TenantId } from '#kernel';
import { Database, type InlineRow, type InlineTable } from '#ledger';
import { CLOCK } from '#platform';
import { KeyStore, Sealer, type Sealed } from '#subjects';
import { BATCH_SIZE } from './retention-plan.js';

const forgetTable: InlineTable = {
  name: 'retention-batch-forget',
  columns: 2,
  text: `DELETE FROM retention_batch b USING unnest($2::uuid[], $3::int[]) AS f(run, item)
         WHERE b.tenant = $1 AND b.run = f.run AND b.item = f.item`,
};

const placeOf = (run: string, item: number, batch: number): string => `retention/${run}/${item}/${batch}`;

@Injectable()
export class RetentionBatches {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    private readonly keyStore: KeyStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Keeps the records of every item of a run; returns how many batches each has. */
  async keep(tenant: TenantId, run: string, refs: readonly string[][]): Promise<number[]> {
    const counts: number[] = [];
    for (const [item, list] of refs.entries()) {
      const batches = Math.ceil(list.length / BATCH_SIZE);
      for (let batch = 0; batch < batches; batch++) {
        const part = list.slice(batch * BATCH_SIZE, (batch + 1) * BATCH_SIZE);
        // A run has a key of its own, so that its records can be shredded as soon as it ends.
        const sealed = await this.sealer.seal(tenant, run as SubjectId, 'case', part, placeOf(run, item, batch));
        await this.database.transaction(tenant, (query) =>
          query({
            name: 'retention-batch-keep',
            text: `INSERT INTO retention_batch (tenant, run, item, batch, refs, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
            values: [tenant, run, item, batch, JSON.stringify(sealed), this.clock.now()],
          }),
        );
      }
      counts.push(batches);
    }
    return counts;
  }

  /** The references of one batch; undefined when they are gone. */
  async read(tenant: TenantId, run: string, item: number, batch: number): Promise<string[] | undefined> {
    const { rows } = await this.database.fetch<{ refs: string }>(tenant, {
      name: 'retention-batch-read',
      text: 'SELECT refs FROM retention_batch WHERE tenant = $1 AND run = $2 AND item = $3 AND batch = $4',
      values: [tenant, run, item, batch],
    });
    if (!rows[0]) return undefined;
    const opened = await this.sealer.open(tenant, JSON.parse(rows[0].refs) as Sealed, placeOf(run, item, batch));
    return opened.readable ? (opened.value as string[]) : undefined;
  }

  /** Row for the append that ends an item. */
  forget(run: string, item: number): InlineRow {
    return { into: forgetTable, row: () => [run, item] };
  }

  /** What nobody will run any more: an approval that lost the race, or a run that ended. */
  async discard(tenant: TenantId, run: string): Promise<void> {
    await this.database.transaction(tenant, (query) =>
      query({ text: 'DELETE FROM retention_batch WHERE tenant = $1 AND run = $2', values: [tenant, run] }),
    );
    await this.keyStore.shred(tenant, run as SubjectId, ['case']);
  }
}
