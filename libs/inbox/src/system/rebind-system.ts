/** Replaces the key that works at a system's tasks, or the secret its calls are signed with, without a new connection. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { connectionStream, Connections, secretsPlace, type ConnectionRow } from '#connectors';
import { unprocessable, type Clock, type JsonObject, type SubjectId } from '#kernel';
import { declareEvents, EventStore } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { Sealer, type Sealed } from '#subjects';
import { changeConnection, declaredConnection } from './changed-connection.js';
import { configOf, keyId, signingSecret } from './declared-system.js';
import { KeyBinding } from './key-binding.js';

declareEvents('ConnectionRebound.v1');

/** At least one of both. A replaced secret signs beside the new one for a day, so that the receiver can change in its own time. */
export const RebindBody = z
  .strictObject({ keyId: keyId.optional(), signingSecret: signingSecret.optional() })
  .meta({ id: 'RebindSystem' });

/** What a remote connection's calls are signed with. `previous` is no longer used after `until`. */
export type SigningSecrets = { signingSecret: string; previous?: { signingSecret: string; until: string } };

const OVERLAP_MS = 86_400_000;

@Injectable()
export class RebindSystem {
  constructor(
    private readonly store: EventStore,
    private readonly sealer: Sealer,
    private readonly connections: Connections,
    private readonly keys: KeyBinding,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Errors: 404, 422 `nothing-to-rebind`, `key-unusable`, `secret-not-used`, 409 `connection-changed`. Takes effect with the next call of the system. */
  async rebind(by: Caller, id: string, body: z.infer<typeof RebindBody>): Promise<{ id: string; status: string }> {
    const { tenant } = by;
    const row = await declaredConnection(this.connections, tenant, id);
    if (body.keyId === undefined && body.signingSecret === undefined)
      throw unprocessable('nothing-to-rebind', 'Send a keyId or a signingSecret.');
    if (body.signingSecret !== undefined && row.kind !== 'remote')
      throw unprocessable('secret-not-used', 'A system that pulls is called by nobody: it has no signing secret.');
    if (body.keyId !== undefined) await this.keys.assertUsable(tenant, body.keyId);
    const before = configOf(row).keyId ?? null;
    const config = { ...configOf(row), ...(body.keyId === undefined ? {} : { keyId: body.keyId }) };
    const secrets = body.signingSecret === undefined ? row.secrets : await this.sealed(by, row, body.signingSecret);
    const answer = { id, status: row.status };
    const after = body.keyId ?? before;
    const data = { id, keyId: { before, after }, secretReplaced: body.signingSecret !== undefined };
    await this.store.append({
      tenant,
      actorRef: by.actorRef,
      events: [{ stream: connectionStream(id), type: 'ConnectionRebound.v1', data: data as JsonObject }],
      side: (query) => changeConnection(query, tenant, row, { config, secrets }),
      ...(by.idempotency ? { idempotency: by.idempotency, respond: () => ({ status: 200, body: answer }) } : {}),
    });
    by.idempotency = undefined;
    return answer;
  }

  private async sealed({ tenant }: Caller, row: ConnectionRow, fresh: string): Promise<string> {
    const place = secretsPlace(row.id);
    const opened =
      row.secrets === null ? undefined : await this.sealer.open(tenant, JSON.parse(row.secrets) as Sealed, place);
    const old = opened?.readable ? (opened.value as SigningSecrets).signingSecret : undefined;
    const until = new Date(this.clock.now().getTime() + OVERLAP_MS).toISOString();
    const secrets = {
      signingSecret: fresh,
      ...(old === undefined ? {} : { previous: { signingSecret: old, until } }),
    } satisfies SigningSecrets;
    return JSON.stringify(await this.sealer.seal(tenant, row.id as SubjectId, 'case', secrets, place));
  }
}
