/** Which system key works for which connection. */
import { Inject, Injectable } from '@nestjs/common';
import { Connections, type ConnectionRow } from '#connectors';
import { notFound, unprocessable, type Clock, type TenantId } from '#kernel';
import { Database } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { configOf, declaredKinds } from './declared-system.js';
import { connectionNotEnabled } from '../task.errors.js';
import type { TaskRow } from '../task.js';
import { Tasks } from '../tasks.js';

/** The scope a bound key must have. */
const SCOPE = 'tasks:work';

interface KeyRow {
  scopes: string[];
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
}

@Injectable()
export class KeyBinding {
  constructor(
    private readonly database: Database,
    private readonly connections: Connections,
    private readonly tasks: Tasks,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Whether a system key of the tenant can be used now. */
  async find(tenant: TenantId, keyId: string): Promise<{ usable: boolean; lastUsedAt: Date | null }> {
    const { rows } = await this.database.fetch<KeyRow>(tenant, {
      name: 'inbox-key',
      text: `SELECT scopes, expires_at, revoked_at, last_used_at FROM credential WHERE tenant = $1 AND id = $2 AND kind = 'system'`,
      values: [tenant, keyId],
    });
    const [row] = rows;
    const expired = row?.expires_at !== null && row !== undefined && row.expires_at <= this.clock.now();
    const usable = row !== undefined && row.revoked_at === null && !expired && row.scopes.includes(SCOPE);
    return { usable, lastUsedAt: row?.last_used_at ?? null };
  }

  /** Errors: 422 `key-unusable`. */
  async assertUsable(tenant: TenantId, keyId: string): Promise<void> {
    if ((await this.find(tenant, keyId)).usable) return;
    throw unprocessable('key-unusable', {
      detail: 'There is no such system key with the scope tasks:work in force. Issue one (POST /v1/admin/api-keys).',
      errors: [{ pointer: '/keyId', code: 'key-unusable' }],
    });
  }

  /** The caller's own connection. Errors: the same 404 for another's, another tenant's and none; 409 when it is not enabled. */
  async connection(by: Caller, id: string): Promise<ConnectionRow> {
    const row = (await this.connections.all(by.tenant)).find((one) => one.id === id);
    const isDeclared = row !== undefined && (declaredKinds as readonly string[]).includes(row.kind);
    if (!isDeclared || by.principal.kind !== 'system' || configOf(row).keyId !== by.principal.id)
      throw notFound('connection');
    if (row.status !== 'enabled') throw connectionNotEnabled();
    return row;
  }

  /** A task of the caller's own connection. Errors: 404 for every other. */
  async task(by: Caller, id: string): Promise<TaskRow> {
    const task = await this.tasks.find(by.tenant, id);
    if (!task) throw notFound('task');
    await this.connection(by, task.connection).catch((error: unknown) => {
      throw (error as { status?: number }).status === 404 ? notFound('task') : error;
    });
    return task;
  }
}
