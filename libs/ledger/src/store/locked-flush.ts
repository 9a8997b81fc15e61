/** A flush that locks the tenant's head first: nobody else can be first, so what it refuses is refused for good. */
import type { PoolClient } from 'pg';
import type { TenantId } from '#kernel';
import { redoStatement } from '../archive/archive-redo.js';
import { admit } from './admit.js';
import { advance, keysOf, prepareBatch, unknownStreams, type Belief, type Member } from './batch.js';
import { begin, isAnswer, type Query, type Rows, type Statement } from '../database/database.js';
import { send, type Head, type Prepared } from './flush.js';
import { decodeFrontier } from '../log/merkle.js';
import { headStatement, readKept, readVersions, UnknownTenant, type HeadRow } from '../ledger.queries.js';

/** What became of the members: refused (final), deferred to a later flush, and the rest, which is on disk unless `error` is set. */
export interface LockedFlush {
  refused: { member: Member; error: Error }[];
  deferred: Member[];
  accepted: Member[];
  prepared?: Prepared;
  belief?: Belief;
  error?: Error;
  /** Set when the connection must not be used again. */
  broken?: Error;
}

/** Decides and writes a batch in one transaction that begins with the lock. Never rejects. */
export async function flushLocked(
  client: PoolClient,
  tenant: TenantId,
  members: readonly Member[],
  belief: Belief | undefined,
  { now, keepsRedo }: { now: () => Date; keepsRedo: boolean },
): Promise<LockedFlush> {
  const flush: LockedFlush = { refused: [], deferred: [], accepted: [...members] };
  const state: { broken?: Error } = {};
  const query = watched(client, state);
  try {
    const known = await lock(client, tenant, belief);
    await decide(flush, tenant, members, known, query);
    const [first] = flush.accepted;
    const side: Statement[] = [];
    if (first?.append.side) await first.append.side(noting(query, side));
    const { prepared, sent } = prepareBatch(tenant, known, flush.accepted, now());
    flush.accepted = sent;
    if (!prepared) {
      await client.query('ROLLBACK');
      return { ...flush, belief: known };
    }
    if (keepsRedo) prepared.statements.push(redoStatement(tenant, prepared, side));
    const { landed } = await send(client, tenant, prepared, Promise.resolve());
    const error = await landed;
    if (!error) return { ...flush, prepared, belief: advance(known, prepared) };
    return isAnswer(error) ? { ...flush, error } : { ...flush, error, broken: error };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error('a side statement threw what is no error');
    await client.query('ROLLBACK').catch((failure: Error) => (state.broken ??= failure));
    return { ...flush, error, ...state };
  }
}

/** A query that notes when the driver or the connection failed, and refuses to run after the flush. */
function watched(client: PoolClient, state: { broken?: Error }): Query {
  const query = (statement: Statement): Promise<Rows<never>> =>
    client.query<never>(statement).catch((error: Error) => {
      if (!isAnswer(error)) state.broken ??= error;
      throw error;
    });
  return query as Query;
}

/** The same query; it also notes what it ran. */
function noting(query: Query, ran: Statement[]): Query {
  return (statement) => {
    ran.push(statement);
    return query(statement);
  };
}

async function lock(client: PoolClient, tenant: TenantId, belief: Belief | undefined): Promise<Belief> {
  const { name, text, values } = headStatement(tenant);
  const [, { rows }] = await Promise.all([
    begin(client, tenant, false),
    client.query<HeadRow>({ name: `${name}-locked`, text: `${text} FOR UPDATE`, values }),
  ]);
  if (!rows[0]) throw new UnknownTenant('the tenant has no log');
  const head = headOf(rows[0]);
  const before = belief?.head.frontier;
  const same =
    before?.size === head.frontier.size && before.nodes.every((node, at) => head.frontier.nodes[at]?.equals(node));
  return { head, versions: same && belief ? belief.versions : new Map<string, number>() };
}

function headOf(row: HeadRow): Head {
  const frontier = decodeFrontier(row.frontier);
  return { logId: row.log_id, epoch: row.epoch, frontier, recordedAt: row.recorded_at.toISOString() };
}

async function decide(
  flush: LockedFlush,
  tenant: TenantId,
  members: readonly Member[],
  { versions }: Belief,
  query: Query,
): Promise<void> {
  const streams = unknownStreams(members, versions);
  const keys = keysOf(members);
  const found = streams.length > 0 ? await readVersions(query, tenant, streams) : [];
  const kept = keys.length > 0 ? await readKept(query, tenant, keys) : new Map<string, never>();
  for (const stream of streams) versions.set(stream, 0);
  for (const row of found) versions.set(row.stream, row.version);
  const { accepted, answered, stale, deferred } = admit(members, versions, kept);
  Object.assign(flush, { accepted, deferred, refused: [...answered, ...stale] });
}
