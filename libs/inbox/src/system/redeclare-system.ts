/** Changes what a system declares that it holds: for plans made from now on, and refused while a request works by the old one. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { connectionStream, Connections, OpenWork, type ConnectionRow, type OpenRequest } from '#connectors';
import { canonicalize, conflict, type JsonObject } from '#kernel';
import { declareEvents, EventStore } from '#ledger';
import type { Caller } from '#platform';
import { changeConnection, declaredConnection } from './changed-connection.js';
import { configOf, datasetsOf, declared, type DeclaredConfig } from './declared-system.js';

declareEvents('ConnectionRedeclared.v1');

/** The whole new declaration; a dataset that is left out is no longer planned. */
export const RedeclareBody = z.strictObject(declared).meta({ id: 'RedeclareSystem' });

/** Requests that a refusal names. */
const NAMED = 20;

@Injectable()
export class RedeclareSystem {
  constructor(
    private readonly store: EventStore,
    private readonly connections: Connections,
    private readonly work: OpenWork,
  ) {}

  /**
   * Open plans are void, since they bind a hash of the declaration. Repeating changes nothing. Errors: 404, 409
   * `connection-in-use` while a request that was approved has something left to do there, `connection-changed`.
   */
  async redeclare(
    by: Caller,
    id: string,
    body: z.infer<typeof RedeclareBody>,
  ): Promise<{ id: string; status: string }> {
    const row = await declaredConnection(this.connections, by.tenant, id);
    const answer = { id, status: row.status };
    const before = configOf(row);
    const after: DeclaredConfig = { ...before, ...body };
    if (canonicalize(before) === canonicalize(after)) return answer;
    mustBeFree((await this.work.known.open(by.tenant, id)).filter(({ acting }) => acting));
    const configVersion = row.config_version + 1;
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        {
          stream: connectionStream(id),
          type: 'ConnectionRedeclared.v1',
          data: { id, configVersion, before: declarationOf(before), after: declarationOf(after) },
        },
      ],
      side: (query) =>
        changeConnection(query, by.tenant, row, {
          config: after,
          configVersion,
          datasets: checkedDatasets(row, after),
        }),
      ...(by.idempotency ? { idempotency: by.idempotency, respond: () => ({ status: 200, body: answer }) } : {}),
    });
    by.idempotency = undefined;
    return answer;
  }
}

/** As the ledger keeps it: what was left out stands in no member. */
const declarationOf = ({ datasets, answerWithinDays }: DeclaredConfig): JsonObject =>
  JSON.parse(canonicalize({ datasets, answerWithinDays })) as JsonObject;

/** One that was checked stays checked: what is checked is its key or its endpoint, and neither changes. */
const checkedDatasets = (row: ConnectionRow, after: DeclaredConfig): ConnectionRow['datasets'] =>
  row.datasets.length === 0 ? [] : datasetsOf(after);

function mustBeFree(open: readonly OpenRequest[]): void {
  if (open.length === 0) return;
  throw conflict('connection-in-use', {
    detail: 'Open requests work by what this system declares now. Wait until they are closed, then declare anew.',
    extra: { open: open.length, requestIds: open.slice(0, NAMED).map((one) => one.requestId) },
  });
}
