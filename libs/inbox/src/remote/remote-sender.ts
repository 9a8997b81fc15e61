/** Calls a connection's endpoint; what leaves is in the access log before its first byte does. */
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { PluginFailure, secretsPlace, type ConnectionRow } from '#connectors';
import { newId, type Clock, type SubjectId, type TenantId } from '#kernel';
import { AccessRecorder, Caller, CLOCK } from '#platform';
import { Sealer, type Sealed } from '#subjects';
import { allowedHosts } from '../system/declare-system.js';
import { configOf } from '../system/declared-system.js';
import type { SigningSecrets } from '../system/rebind-system.js';
import { callRemote, readAnswer, type RemoteAnswer, type RemoteEndpoint } from './remote-call.js';

const ACTOR = 'system:inbox';

@Injectable()
export class RemoteSender {
  constructor(
    private readonly sealer: Sealer,
    private readonly modules: ModuleRef,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async send(
    tenant: TenantId,
    row: ConnectionRow,
    message: { id: string; at: Date; body: unknown },
    signal?: AbortSignal,
  ): Promise<RemoteAnswer> {
    return readAnswer(await callRemote(await this.endpoint(tenant, row), message, signal));
  }

  /** Whether the endpoint is there and shares the secret. */
  async check(tenant: TenantId, row: ConnectionRow, at: Date): Promise<void> {
    await callRemote(await this.endpoint(tenant, row), { id: newId(), at, body: { type: 'check' } });
  }

  async record(tenant: TenantId, row: ConnectionRow, subject: SubjectId): Promise<void> {
    const caller = new Caller({
      ...{ kind: 'system', id: `connection:${row.id}`, tenant, mode: 'live', roles: [], scopes: [], actorRef: ACTOR },
    });
    caller.saw(subject, 'identifiers');
    await this.modules.get(AccessRecorder, { strict: false }).record(caller, 'task.push');
  }

  private async endpoint(tenant: TenantId, row: ConnectionRow): Promise<RemoteEndpoint> {
    const config = configOf(row);
    const sealed = row.secrets === null ? undefined : (JSON.parse(row.secrets) as Sealed);
    const opened = sealed && (await this.sealer.open(tenant, sealed, secretsPlace(row.id)));
    if (!opened?.readable)
      throw new PluginFailure({ class: 'config', code: 'secrets-unreadable' }, 'has no readable secret', 'remote');
    const { signingSecret, previous } = opened.value as SigningSecrets;
    const overlaps = previous !== undefined && Date.parse(previous.until) > this.clock.now().getTime();
    const signingSecrets = [signingSecret, ...(overlaps ? [previous.signingSecret] : [])];
    return { url: config.endpoint ?? '', signingSecrets, allow: allowedHosts(config) };
  }
}
