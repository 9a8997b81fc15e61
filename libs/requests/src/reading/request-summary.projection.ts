/** The list of requests: one row a request, folded from the ledger, rebuilt at any time. */
import { Injectable } from '@nestjs/common';
import type { Projection, Query, StoredEvent } from '#ledger';
import type { SubjectId, TenantId } from '#kernel';
import { clocksOf, dueOnOf } from '../course/request-clocks.js';
import { PARTS_MISSING, requestEvent, requestEvents, type RequestEvent, type RequestEventData } from '../request.js';

/** What the row needs to go on: kept beside it, so that an event is folded without reading its stream again. */
type Kept = Pick<RequestEventData['RequestReceived.v1'], 'type' | 'regimes' | 'territory' | 'receivedOn'> & {
  extended: Partial<Record<RequestEventData['RequestReceived.v1']['regimes'][number], true>>;
  pauses: { regime: RequestEventData['RequestReceived.v1']['regimes'][number]; from: string; to: string | null }[];
  identifiedOn?: string;
  /** Of the plan that stands. */
  approvals?: number;
};

interface Row {
  id: string;
  status: string;
  resolution: string | null;
  subject: SubjectId;
  verified: boolean;
  receivedAt: string;
  dueOn: string;
  kept: Kept;
}

@Injectable()
export class RequestSummaryProjection implements Projection {
  readonly name = 'request-summary';
  readonly types = new Set<string>(requestEvents);

  async apply(events: StoredEvent[], query: Query): Promise<void> {
    const own = events.flatMap((stored) => {
      const event = requestEvent(stored);
      return event ? [{ tenant: stored.tenant, event }] : [];
    });
    const [first] = own;
    if (!first) return;
    const rows = await read(query, first.tenant, [...new Set(own.map(({ event }) => event.data.requestId))]);
    for (const { event } of own) fold(rows, event);
    for (const row of rows.values()) await write(query, first.tenant, row);
  }

  async reset(query: Query): Promise<void> {
    await query({ text: 'DELETE FROM request_summary' });
  }
}

async function read(query: Query, tenant: TenantId, ids: string[]): Promise<Map<string, Row>> {
  const { rows } = await query<{
    id: string;
    status: string;
    resolution: string | null;
    subject: SubjectId;
    verified: boolean;
    received_at: Date;
    due_on: string;
    state: string;
  }>({
    name: 'request-summary-read',
    text: 'SELECT * FROM request_summary WHERE tenant = $1 AND id = ANY($2::uuid[])',
    values: [tenant, ids],
  });
  return new Map(
    rows.map(({ id, received_at, due_on, state, status, resolution, subject, verified }) => [
      id,
      {
        id,
        status,
        resolution,
        subject,
        verified,
        receivedAt: received_at.toISOString(),
        dueOn: due_on,
        kept: JSON.parse(state) as Kept,
      },
    ]),
  );
}

async function write(query: Query, tenant: TenantId, row: Row): Promise<void> {
  const { id, status, resolution, subject, verified, receivedAt, dueOn, kept } = row;
  await query({
    name: 'request-summary-write',
    text: `INSERT INTO request_summary (tenant, id, type, status, resolution, subject, verified, received_at, received_on, due_on, state)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
           ON CONFLICT (tenant, id) DO UPDATE SET status = excluded.status, resolution = excluded.resolution, verified = excluded.verified,
             due_on = excluded.due_on, state = excluded.state`,
    values: [
      tenant,
      id,
      kept.type,
      status,
      resolution,
      subject,
      verified,
      receivedAt,
      kept.receivedOn,
      dueOn,
      JSON.stringify(kept),
    ],
  });
}

function fold(rows: Map<string, Row>, event: RequestEvent): void {
  if (event.type === 'RequestReceived.v1') {
    const { requestId: id, type, regimes, territory, receivedOn, subjectId, receivedAt } = event.data;
    const kept: Kept = { type, regimes, territory, receivedOn, extended: {}, pauses: [] };
    const row: Row = {
      id,
      status: 'triage',
      resolution: null,
      subject: subjectId as SubjectId,
      verified: false,
      receivedAt,
      dueOn: receivedOn,
      kept,
    };
    rows.set(id, redated(row));
    return;
  }
  const row = rows.get(event.data.requestId);
  if (row) progress(row, event);
}

function progress(row: Row, event: RequestEvent): void {
  const status = statusAfter(row, event);
  if (status !== undefined) row.status = status;
  switch (event.type) {
    case 'IdentifierProven.v1':
      row.verified = true;
      row.kept.identifiedOn ??= event.data.provenOn;
      redated(row);
      return;
    case 'RequestApproved.v1':
      row.kept.approvals = (row.kept.approvals ?? 0) + 1;
      if (row.kept.approvals >= event.data.needed) row.status = 'approved';
      return;
    case 'PlanMade.v1':
    case 'ApprovalsVoided.v1':
      row.kept.approvals = 0;
      return;
    case 'RequestExtended.v1':
      row.kept.extended[event.data.regime] = true;
      redated(row);
      return;
    case 'RequestPaused.v1':
      row.kept.pauses.push({ regime: event.data.regime, from: event.data.from, to: null });
      redated(row);
      return;
    case 'RequestResumed.v1':
      for (const pause of row.kept.pauses)
        if (pause.regime === event.data.regime && pause.to === null) pause.to = event.data.to;
      redated(row);
      return;
    case 'RequestClosed.v1':
      row.resolution = event.data.resolution;
      return;
    case 'RequestReopened.v1':
      row.kept.approvals = 0;
      row.resolution = null;
      return;
    default:
      return;
  }
}

/** The same steps as `evolve`, without what a list does not show. */
function statusAfter(row: Row, event: RequestEvent): string | undefined {
  switch (event.type) {
    case 'RequestTriaged.v1':
      return event.data.needsProof ? 'identifying' : 'acting';
    case 'IdentifierProven.v1':
      return row.status === 'identifying' ? 'deciding' : undefined;
    case 'PlanMade.v1':
    case 'ApprovalsVoided.v1':
      return 'deciding';
    case 'RequestReopened.v1':
      if (row.kept.type === 'objection' || row.kept.type === 'withdrawal') return 'acting';
      return row.verified ? 'deciding' : 'identifying';
    case 'ActingStarted.v1':
      return 'acting';
    case 'StepVerified.v1':
      return row.status === 'acting' ? 'verifying' : undefined;
    case 'StepRedriven.v1':
      return event.data.how === 'retry' && row.status === 'incomplete' ? 'acting' : undefined;
    case 'StepFailed.v1':
      return event.data.code === PARTS_MISSING && row.status === 'answering' ? 'acting' : undefined;
    case 'RequestIncomplete.v1':
      return row.status === 'answering' ? undefined : 'incomplete';
    case 'AnsweringStarted.v1':
      return 'answering';
    case 'RequestClosed.v1':
      return 'closed';
    default:
      return undefined;
  }
}

function redated(row: Row): Row {
  const { kept } = row;
  const clocks = clocksOf({ ...kept, identifiedOn: kept.identifiedOn as string }, kept.receivedOn);
  row.dueOn = dueOnOf(clocks, kept.receivedOn);
  return row;
}
