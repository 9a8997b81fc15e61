/** The officer's list of systems that owe an answer, and the answer that a human gives in a system's place. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { notFound, type SubjectId } from '#kernel';
import { Database, EventStore, VersionConflict } from '#ledger';
import { KeyProvider, openCursor, sealCursor, vouchedHuman, type Caller } from '#platform';
import { Sealer } from '#subjects';
import { alreadySettled } from '../propagation.errors.js';

export const OwedQuery = z.strictObject({
  state: z.enum(['late', 'waiting']).default('late'),
  cursor: z.string().min(1).max(500).optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/)
    .default('50')
    .transform(Number)
    .refine((value) => value >= 1 && value <= 500, 'A number from 1 to 500.'),
});

export const OwedList = z
  .strictObject({
    items: z.array(
      z.strictObject({
        position: z.int(),
        systemId: z.string(),
        type: z.string(),
        purpose: z.string().nullable(),
        recordedAt: z.string(),
        dueAt: z.string(),
        escalatedAt: z.string().nullable(),
      }),
    ),
    next: z.string().nullable(),
  })
  .meta({ id: 'OwedPropagations' });

export const SettleBody = z.strictObject({ proof: z.string().min(1).max(2000) }).meta({ id: 'SettlePropagation' });
export const Settled = z
  .strictObject({ position: z.int(), systemId: z.string(), state: z.literal('settled') })
  .meta({ id: 'SettledPropagation' });

interface Row {
  position: number;
  system: string;
  subject: SubjectId;
  type: string;
  purpose: string | null;
  recorded_at: Date;
  due_at: Date;
  late_at: Date | null;
  state: string;
}

const LIST = 'propagations';
const START = ['-1', ''];

@Injectable()
export class LateList {
  constructor(
    private readonly store: EventStore,
    private readonly database: Database,
    private readonly keys: KeyProvider,
    private readonly sealer: Sealer,
  ) {}

  /** Oldest first: `late` are escalated ones, `waiting` all that is open. */
  async page(by: Caller, { state, cursor, limit }: z.infer<typeof OwedQuery>): Promise<z.infer<typeof OwedList>> {
    const after = cursor === undefined ? START : openCursor(this.keys, by, LIST, { state }, cursor);
    const { rows } = await this.database.fetch<Row>(by.tenant, {
      name: `propagation-owed-${state}`,
      text: `SELECT * FROM propagation WHERE tenant = $1 AND state = 'waiting' ${state === 'late' ? 'AND late_at IS NOT NULL' : ''}
             AND (position, system) > ($2::bigint, $3) ORDER BY position, system LIMIT $4`,
      values: [by.tenant, ...after, limit],
    });
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return {
      items: rows.map((row) => ({
        ...{ position: row.position, systemId: row.system, type: row.type, purpose: row.purpose },
        ...{ recordedAt: row.recorded_at.toISOString(), dueAt: row.due_at.toISOString() },
        escalatedAt: row.late_at?.toISOString() ?? null,
      })),
      next: last ? sealCursor(this.keys, by, LIST, { state }, [String(last.position), last.system]) : null,
    };
  }

  /** A human vouches that the system obeys, with proof. Throws 404, 409 `propagation-settled`, 403 for a key or for who is not vouched for. */
  async settle(by: Caller, position: number, systemId: string, proof: string): Promise<z.infer<typeof Settled>> {
    vouchedHuman(by);
    const row = await this.find(by, position, systemId);
    if (row.state !== 'waiting') throw alreadySettled();
    const stream = `propagation/${position}/settled/${systemId}`;
    const sealed = await this.sealer.sealAbout(by.tenant, row.subject, 'case', proof, stream);
    const answer = { position, systemId, state: 'settled' as const };
    try {
      await this.store.append({
        tenant: by.tenant,
        actorRef: by.actorRef,
        events: [
          {
            stream,
            type: 'PropagationSettled.v1',
            data: { systemId, positions: [position], how: 'by-hand', proof: sealed },
          },
        ],
        expect: { [stream]: 0 },
        ...(by.idempotency
          ? { idempotency: by.idempotency, respond: () => ({ status: 200, body: { ...answer } }) }
          : {}),
      });
    } catch (error) {
      if (error instanceof VersionConflict) throw alreadySettled();
      throw error;
    }
    by.idempotency = undefined;
    return answer;
  }

  private async find(by: Caller, position: number, systemId: string): Promise<Row> {
    const { rows } = await this.database.fetch<Row>(by.tenant, {
      name: 'propagation-one',
      text: 'SELECT * FROM propagation WHERE tenant = $1 AND position = $2 AND system = $3',
      values: [by.tenant, position, systemId],
    });
    if (!rows[0]) throw notFound('propagation');
    return rows[0];
  }
}
