/** Records that a system hands in for an access request: parts of one text of JSON lines, sealed as they come. */
import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Json, TenantId } from '#kernel';
import { Database, type Query } from '#ledger';
import { z } from 'zod';
import { hashDiffers, leaseLost, partOutOfOrder, partTooLarge, recordsInvalid, tooManyRecords } from './task.errors.js';
import { MAX_PART_BYTES, MAX_RECORDS_BYTES, partPlace, type TaskRow } from './task.js';
import { Tasks } from './tasks.js';

/** One record as a system hands it in. */
export interface HandedRecord {
  dataset: string;
  ref: string;
  fields: Record<string, Json>;
}

const Line = z.strictObject({
  dataset: z.string().min(1).max(100),
  ref: z.string().min(1).max(500),
  fields: z.record(z.string().max(200), z.unknown()),
});

/** What is here of a task's records. */
export interface Received {
  parts: number;
  bytes: number;
}

/** A part as it is handed in. `restart`, with part 0 only: what is here is dropped first. */
export interface HandedPart {
  fence: number;
  part: number;
  sha256: string;
  content: string;
  restart?: boolean;
}

@Injectable()
export class TaskRecords {
  constructor(
    private readonly tasks: Tasks,
    private readonly database: Database,
  ) {}

  /** Keeps a part. The same part again changes nothing; another one under its number, or a gap, is refused. */
  async take(
    tenant: TenantId,
    task: TaskRow,
    { fence, part, sha256, content, restart = false }: HandedPart,
  ): Promise<Received> {
    const bytes = Buffer.byteLength(content);
    if (bytes > MAX_PART_BYTES) throw partTooLarge();
    if (createHash('sha256').update(content, 'utf8').digest('hex') !== sha256) throw hashDiffers();
    const sealed = await this.tasks.seal(tenant, task, content, partPlace(task.id, part));
    return this.database.transaction(tenant, async (query) => {
      const { rows } = await query<Received & { fence: number; state: string }>({
        text: 'SELECT parts, bytes, fence, state FROM inbox_task WHERE tenant = $1 AND id = $2 FOR UPDATE',
        values: [tenant, task.id],
      });
      const [found] = rows;
      if (found?.fence !== fence || found.state !== 'claimed') throw leaseLost();
      if (restart) await dropParts(query, tenant, task.id);
      const now = restart ? { parts: 0, bytes: 0 } : found;
      if (part < now.parts) {
        const known = await query<{ sha256: string }>({
          text: 'SELECT sha256 FROM inbox_part WHERE tenant = $1 AND task = $2 AND part = $3',
          values: [tenant, task.id, part],
        });
        if (known.rows[0]?.sha256 !== sha256) throw partOutOfOrder(now.parts);
        return { parts: now.parts, bytes: now.bytes };
      }
      if (part > now.parts) throw partOutOfOrder(now.parts);
      if (now.bytes + bytes > MAX_RECORDS_BYTES) throw tooManyRecords();
      await query({
        text: 'INSERT INTO inbox_part (tenant, task, part, bytes, sha256, content) VALUES ($1, $2, $3, $4, $5, $6)',
        values: [tenant, task.id, part, bytes, sha256, sealed],
      });
      await query({
        text: 'UPDATE inbox_task SET parts = parts + 1, bytes = bytes + $3 WHERE tenant = $1 AND id = $2',
        values: [tenant, task.id, bytes],
      });
      return { parts: now.parts + 1, bytes: now.bytes + bytes };
    });
  }

  /**
   * SHA-256 (hex) over the hashes of all parts, one after another; null when there are none. Who takes over sees by it
   * whether it would hand in the same text.
   */
  async digest(tenant: TenantId, { id, parts }: Pick<TaskRow, 'id' | 'parts'>): Promise<string | null> {
    if (parts === 0) return null;
    const { rows } = await this.database.fetch<{ digest: string | null }>(tenant, {
      name: 'inbox-parts-digest',
      text: `SELECT encode(sha256(convert_to(string_agg(sha256, '' ORDER BY part), 'UTF8')), 'hex') AS digest
             FROM inbox_part WHERE tenant = $1 AND task = $2`,
      values: [tenant, id],
    });
    return rows[0]?.digest ?? null;
  }

  /** The records in the order they came. Errors: 422 `records-invalid` with the line, for a line that is no record. */
  async *records(tenant: TenantId, task: Pick<TaskRow, 'id' | 'parts'>): AsyncGenerator<HandedRecord> {
    let rest = '';
    let line = 0;
    for (let part = 0; part < task.parts; part++) {
      const lines = (rest + (await this.content(tenant, task.id, part))).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) yield readLine(text, ++line);
    }
    if (rest !== '') yield readLine(rest, line + 1);
  }

  /** How many records of each dataset are here; refuses records of a dataset that was not asked, and drops them all. */
  async count(tenant: TenantId, task: TaskRow, datasets: ReadonlySet<string>): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    let line = 0;
    try {
      for await (const { dataset } of this.records(tenant, task)) {
        line += 1;
        if (!datasets.has(dataset)) throw recordsInvalid(line);
        counts.set(dataset, (counts.get(dataset) ?? 0) + 1);
      }
    } catch (error) {
      await this.drop(tenant, task);
      throw error;
    }
    return counts;
  }

  /** Nothing of a broken text is kept: the upload begins anew. What somebody hands in who took over meanwhile is theirs. */
  private async drop(tenant: TenantId, { id, fence }: TaskRow): Promise<void> {
    await this.database.transaction(tenant, async (query) => {
      const { rowCount } = await query({
        text: 'SELECT FROM inbox_task WHERE tenant = $1 AND id = $2 AND fence = $3 FOR UPDATE',
        values: [tenant, id, fence],
      });
      if (rowCount === 1) await dropParts(query, tenant, id);
    });
  }

  private async content(tenant: TenantId, id: string, part: number): Promise<string> {
    const { rows } = await this.database.fetch<{ content: string }>(tenant, {
      name: 'inbox-part',
      text: 'SELECT content FROM inbox_part WHERE tenant = $1 AND task = $2 AND part = $3',
      values: [tenant, id, part],
    });
    const content = rows[0] && (await this.tasks.open<string>(tenant, rows[0].content, partPlace(id, part)));
    if (content === undefined) throw new Error('a part of the records cannot be opened');
    return content;
  }
}

async function dropParts(query: Query, tenant: TenantId, id: string): Promise<void> {
  await query({ text: 'DELETE FROM inbox_part WHERE tenant = $1 AND task = $2', values: [tenant, id] });
  await query({
    text: 'UPDATE inbox_task SET parts = 0, bytes = 0 WHERE tenant = $1 AND id = $2',
    values: [tenant, id],
  });
}

function readLine(text: string, line: number): HandedRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw recordsInvalid(line);
  }
  const parsed = Line.safeParse(value);
  if (!parsed.success) throw recordsInvalid(line);
  return parsed.data as HandedRecord;
}
