/** The register of systems that must obey, read from the ledger, and its one change: a declaration by an admin. */
import { Inject, Injectable } from '@nestjs/common';
import { Connections } from '#connectors';
import { Purposes } from '#consent';
import { canonicalize, conflict, unprocessable, type Clock, type JsonObject, type TenantId } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { keyUnusable, systemNotBound } from './propagation.errors.js';
import { connectionOf, foldSystems, mustObey, systemsStream, type System, type SystemDefinition } from './system.js';

@Injectable()
export class Systems {
  constructor(
    private readonly store: EventStore,
    private readonly purposes: Purposes,
    private readonly connections: Connections,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Every declared system, retired ones included, by id. */
  async all(tenant: TenantId): Promise<System[]> {
    const systems = foldSystems(await this.store.load(tenant, systemsStream));
    return [...systems.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async find(tenant: TenantId, id: string): Promise<System | undefined> {
    return (await this.all(tenant)).find((system) => system.id === id);
  }

  /** The active system this key reads for. Throws 403 `system-not-bound` for every other key and for humans. */
  async ofKey(by: Caller): Promise<System> {
    const { kind, id } = by.principal;
    const bound = (await this.all(by.tenant)).find(
      (system) => system.channel === 'cursor' && system.keyId === id && system.status === 'active',
    );
    if (!bound || kind !== 'system') throw systemNotBound();
    return bound;
  }

  /** Systems that an event about this purpose binds. */
  async bound(tenant: TenantId, purpose: string | null): Promise<System[]> {
    return (await this.all(tenant)).filter((system) => mustObey(system, purpose));
  }

  /** Declares or changes a system; before and after stand in the event. Repeating changes nothing. */
  async declare(by: Caller, id: string, wanted: SystemDefinition): Promise<System> {
    await this.assertKnown(by.tenant, wanted);
    const history = await this.store.load(by.tenant, systemsStream);
    const systems = foldSystems(history);
    const { id: _, ...before } = systems.get(id) ?? { id };
    assertFree([...systems.values()], id, wanted);
    if (canonicalize(before) !== canonicalize(wanted))
      await this.store.append({
        tenant: by.tenant,
        actorRef: by.actorRef,
        events: [
          {
            stream: systemsStream,
            type: 'ConnectedSystemDeclared.v1',
            data: { id, before: systems.has(id) ? (before as JsonObject) : null, after: wanted as JsonObject },
          },
        ],
        expect: { [systemsStream]: history.length },
      });
    return { id, ...wanted };
  }

  /** 422 for a purpose that is not defined or a key that cannot read, 404 for a connection that is not this tenant's. */
  private async assertKnown(tenant: TenantId, wanted: SystemDefinition): Promise<void> {
    const known = new Set((await this.purposes.all(tenant)).map(({ id }) => id));
    const unknown = wanted.purposes.findIndex((purpose) => purpose !== '*' && !known.has(purpose));
    if (unknown >= 0)
      throw unprocessable('purpose-unknown', {
        detail: 'This purpose is not defined. Define it with PUT /v1/purposes/{id} first.',
        errors: [{ pointer: `/purposes/${unknown}`, code: 'purpose-unknown' }],
      });
    const connectionId = connectionOf(wanted);
    if (connectionId !== undefined) await this.connections.get(tenant, connectionId);
    // A revoked key must not keep an admin from retiring its system.
    if (wanted.channel === 'cursor' && wanted.status === 'active' && !(await this.canRead(tenant, wanted.keyId)))
      throw keyUnusable();
  }

  /** True for a system key of the tenant in force that may read events. */
  private async canRead(tenant: TenantId, keyId: string): Promise<boolean> {
    const { rows } = await this.store.database.fetch(tenant, {
      name: 'system-key',
      text: `SELECT FROM credential WHERE tenant = $1 AND id = $2 AND kind = 'system' AND revoked_at IS NULL
             AND (expires_at IS NULL OR expires_at > $3) AND 'events:read' = ANY(scopes)`,
      values: [tenant, keyId, this.clock.now()],
    });
    return rows.length === 1;
  }
}

/** One name and one key stand for one system: an acknowledgement must not be two systems' word. */
function assertFree(systems: readonly System[], id: string, wanted: SystemDefinition): void {
  const others = systems.filter((system) => system.id !== id && system.status === 'active');
  if (wanted.status === 'retired') return;
  if (others.some((system) => system.name === wanted.name))
    throw conflict('system-name-taken', 'Another active system has this name. Choose another or retire that one.');
  if (wanted.channel !== 'cursor') return;
  if (others.some((system) => system.channel === 'cursor' && system.keyId === wanted.keyId))
    throw conflict('key-bound-already', 'This key reads for another system. Issue a key for each system.');
}
