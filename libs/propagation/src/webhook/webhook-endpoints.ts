/** Reads endpoints, and changes them: each change a fact, with the host only, since a URL may carry a token. */
import { Inject, Injectable } from '@nestjs/common';
import {
  conflict,
  newId,
  notFound,
  unprocessable,
  type Clock,
  type JsonObject,
  type SubjectId,
  type TenantId,
} from '#kernel';
import { Database, EventStore, type Query } from '#ledger';
import { checkUrl, CLOCK, CONFIG, OutboundFailure, type Caller, type Config } from '#platform';
import { Sealer } from '#subjects';
import { urlRefused } from '../propagation.errors.js';
import { removeDeliveries } from './deliveries.js';
import { newSecret } from './standard-webhooks.js';
import { Systems } from '../systems.js';
import {
  EndpointInside,
  endpointPlace,
  endpointStream,
  rotated,
  sealedOf,
  type EndpointDefinition,
  type EndpointRow,
  type EndpointView,
} from './webhook-endpoint.js';

/** Nothing can be sent to it, whether a message has tried or not. */
const unreadable = { status: 'disabled', disabled_because: 'secrets-unreadable' } as const;

@Injectable()
export class WebhookEndpoints {
  constructor(
    private readonly store: EventStore,
    private readonly sealer: Sealer,
    private readonly systems: Systems,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  private get database(): Database {
    return this.store.database;
  }

  async rows(tenant: TenantId): Promise<EndpointRow[]> {
    const { rows } = await this.database.fetch<EndpointRow>(tenant, {
      name: 'webhook-endpoints',
      text: 'SELECT * FROM webhook_endpoint WHERE tenant = $1 ORDER BY id',
      values: [tenant],
    });
    return rows;
  }

  async find(tenant: TenantId, id: string): Promise<EndpointRow | undefined> {
    const { rows } = await this.database.fetch<EndpointRow>(tenant, {
      name: 'webhook-endpoint',
      text: 'SELECT * FROM webhook_endpoint WHERE tenant = $1 AND id = $2',
      values: [tenant, id],
    });
    return rows[0];
  }

  /** Throws 404. */
  async get(tenant: TenantId, id: string): Promise<EndpointRow> {
    const row = await this.find(tenant, id);
    if (!row) throw notFound('webhook endpoint');
    return row;
  }

  /** URL and secrets. Throws 409 `secrets-unreadable` when their key is gone. */
  async inside(tenant: TenantId, row: EndpointRow): Promise<EndpointInside> {
    const inside = await this.opened(tenant, row);
    if (!inside)
      throw conflict('secrets-unreadable', 'The secrets of this endpoint can no longer be opened. Make a new one.');
    return inside;
  }

  /** URL and secrets; undefined when their key is gone. */
  async opened(tenant: TenantId, row: EndpointRow): Promise<EndpointInside | undefined> {
    const opened = await this.sealer.open(tenant, sealedOf(row), endpointPlace(row.id));
    return opened.readable ? EndpointInside.parse(opened.value) : undefined;
  }

  /** The system in whose name an endpoint answers; none when it gives its word over another channel by now. */
  async systemOf(tenant: TenantId, { system }: EndpointRow): Promise<string | undefined> {
    const declared = system === null ? undefined : await this.systems.find(tenant, system);
    return declared?.channel === 'webhook' ? declared.id : undefined;
  }

  async view(tenant: TenantId, row: EndpointRow): Promise<EndpointView> {
    const inside = await this.opened(tenant, row);
    const { url, secrets } = inside ?? { url: '', secrets: [] };
    const { id, description, types, system, failures, created_at } = row;
    const { status, disabled_because: disabledBecause } = inside ? row : unreadable;
    return {
      ...{ id, url, description, types, systemId: system, status, disabledBecause, failures },
      oldSecretUntil: this.oldUntil(secrets),
      createdAt: created_at.toISOString(),
    };
  }

  /** Throws 422 `url-refused`, `system-unknown`. The secret is shown once. */
  async create(by: Caller, body: EndpointDefinition): Promise<{ id: string; secret: string; oldSecretUntil: null }> {
    const host = await this.accept(by.tenant, body);
    const id = newId();
    const secret = newSecret();
    const sealed = await this.seal(by.tenant, id, { url: body.url, secrets: [{ secret, until: null }] });
    const { size } = await this.store.head(by.tenant);
    await this.record(by, id, 'WebhookEndpointCreated.v1', { after: factOf(body, host) }, async (query) => {
      await query({
        text: `INSERT INTO webhook_endpoint (tenant, id, types, system, description, status, since, sealed, created_at)
               VALUES ($1, $2, $3, $4, $5, 'enabled', $6, $7, $8)`,
        values: [by.tenant, id, body.types, body.systemId, body.description, size, sealed, this.clock.now()],
      });
    });
    return { id, secret, oldSecretUntil: null };
  }

  async change(by: Caller, id: string, body: EndpointDefinition): Promise<EndpointView> {
    const row = await this.get(by.tenant, id);
    const host = await this.accept(by.tenant, body);
    const inside = await this.inside(by.tenant, row);
    const sealed = await this.seal(by.tenant, id, { ...inside, url: body.url });
    const { description, types, system } = row;
    const before = factOf({ url: inside.url, description, types, systemId: system }, new URL(inside.url).host);
    await this.record(by, id, 'WebhookEndpointChanged.v1', { before, after: factOf(body, host) }, async (query) => {
      await changed(query, {
        text: `UPDATE webhook_endpoint SET types = $3, system = $4, description = $5, sealed = $6, failures = 0, resume_at = NULL
               WHERE tenant = $1 AND id = $2 AND sealed = $7`,
        values: [by.tenant, id, body.types, body.systemId, body.description, sealed, row.sealed],
      });
    });
    return this.view(by.tenant, await this.get(by.tenant, id));
  }

  /** Deliveries and lanes go with it. */
  async remove(by: Caller, id: string): Promise<void> {
    await this.get(by.tenant, id);
    await this.record(by, id, 'WebhookEndpointRemoved.v1', {}, async (query) => {
      await removeDeliveries(query, by.tenant, id);
      await query({ text: 'DELETE FROM webhook_endpoint WHERE tenant = $1 AND id = $2', values: [by.tenant, id] });
    });
  }

  /** Until the overlap ends every message carries a signature of both secrets. */
  async rotate(
    by: Caller,
    id: string,
    overlapHours: number,
  ): Promise<{ secret: string; oldSecretUntil: string | null }> {
    const row = await this.get(by.tenant, id);
    const inside = await this.inside(by.tenant, row);
    const now = this.clock.now();
    const secret = newSecret();
    const next = rotated(inside, secret, new Date(now.getTime() + overlapHours * 3_600_000), now);
    const sealed = await this.seal(by.tenant, id, next);
    const oldSecretUntil = this.oldUntil(next.secrets);
    await this.record(by, id, 'WebhookSecretRotated.v1', { oldSecretUntil }, async (query) => {
      await changed(query, {
        text: 'UPDATE webhook_endpoint SET sealed = $3 WHERE tenant = $1 AND id = $2 AND sealed = $4',
        values: [by.tenant, id, sealed, row.sealed],
      });
    });
    return { secret, oldSecretUntil };
  }

  private oldUntil(secrets: EndpointInside['secrets']): string | null {
    const now = this.clock.now().toISOString();
    return secrets.map(({ until }) => until).find((until) => until !== null && until > now) ?? null;
  }

  private async accept(tenant: TenantId, { url, systemId }: EndpointDefinition): Promise<string> {
    if (systemId !== null) {
      const system = await this.systems.find(tenant, systemId);
      if (system?.channel !== 'webhook')
        throw unprocessable('system-unknown', 'Declare this system with channel webhook first (PUT /v1/systems/{id}).');
    }
    try {
      return checkUrl(url, this.config.LETHE_OUTBOUND_ALLOW).host;
    } catch (error) {
      throw error instanceof OutboundFailure ? urlRefused(error.code) : error;
    }
  }

  private async seal(tenant: TenantId, id: string, inside: EndpointInside): Promise<string> {
    // Under a key of the endpoint's own, which re-wrapping of epochs covers like any other.
    return JSON.stringify(await this.sealer.seal(tenant, id as SubjectId, 'case', inside, endpointPlace(id)));
  }

  private async record(
    by: Caller,
    id: string,
    type: string,
    data: JsonObject,
    side: (query: Query) => Promise<void>,
  ): Promise<void> {
    const { tenant, actorRef } = by;
    await this.store.append({
      ...{ tenant, actorRef, side },
      events: [{ stream: endpointStream(id), type, data: { id, ...data } }],
      // Neither a secret nor a URL is kept: a repeat is told that the secret was shown, and a change is repeated.
      ...(by.idempotency && type !== 'WebhookEndpointChanged.v1'
        ? { idempotency: by.idempotency, respond: () => answerOf(type, id) }
        : {}),
    });
    by.idempotency = undefined;
  }
}

/** Refuses a change made from a sealed part that is no longer there: a secret that was shown must not be lost. */
async function changed(query: Query, statement: Parameters<Query>[0]): Promise<void> {
  const { rowCount } = await query(statement);
  if (rowCount === 0) throw conflict('endpoint-changed', 'The endpoint was changed meanwhile. Try again.');
}

function factOf(body: Omit<EndpointDefinition, 'types'> & { types: string[] }, host: string): JsonObject {
  return { host, description: body.description, types: body.types, systemId: body.systemId };
}

function answerOf(type: string, id: string): { status: number; body: JsonObject } {
  if (type === 'WebhookEndpointRemoved.v1') return { status: 200, body: { id, removed: true } };
  const detail = 'This call has made its secret already, and a secret is shown once. Rotate it to have a new one.';
  return { status: 409, body: { code: 'key-shown-once', detail, errors: [], extra: { id } } };
}
