/** An admin declares a system that pulls its work, or one that is called with signed bodies: a connection, stopped until checked. */
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { connectionStream, nameTaken, secretsPlace } from '#connectors';
import { newId, unprocessable, type JsonObject, type SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import { checkUrl, CONFIG, OutboundFailure, type Caller, type Config } from '#platform';
import { Sealer } from '#subjects';
import type { DeclaredConfig, DeclaredKind, InboxBody, RemoteBody } from './declared-system.js';
import { KeyBinding } from './key-binding.js';

type Identity = Pick<z.infer<typeof InboxBody>, 'name' | 'role' | 'legalEntity' | 'country'>;
type Placed = { id: string; status: string };

@Injectable()
export class DeclareSystem {
  constructor(
    private readonly store: EventStore,
    private readonly sealer: Sealer,
    private readonly keys: KeyBinding,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Errors: 422 `key-unusable`, 409 `connection-name-taken`. */
  async inbox(by: Caller, body: z.infer<typeof InboxBody>): Promise<Placed> {
    const { name, role, legalEntity, country, ...config } = body;
    await this.keys.assertUsable(by.tenant, config.keyId);
    return this.create(by, 'inbox', { name, role, legalEntity, country }, config);
  }

  /** Errors: 422 `endpoint-refused`, `key-unusable`; 409 `connection-name-taken`. */
  async remote(by: Caller, body: z.infer<typeof RemoteBody>): Promise<Placed> {
    const { name, role, legalEntity, country, signingSecret, keyId, ...config } = body;
    assertEndpoint(config, this.config);
    if (keyId !== undefined) await this.keys.assertUsable(by.tenant, keyId);
    const full = { ...config, ...(keyId === undefined ? {} : { keyId }) };
    return this.create(by, 'remote', { name, role, legalEntity, country }, full, { signingSecret });
  }

  private async create(
    by: Caller,
    kind: DeclaredKind,
    { name, role, legalEntity, country }: Identity,
    config: DeclaredConfig,
    secrets?: Record<string, string>,
  ): Promise<Placed> {
    const id = newId();
    const { tenant } = by;
    const sealed = secrets && (await this.sealer.seal(tenant, id as SubjectId, 'case', secrets, secretsPlace(id)));
    const data = { id, name, role, legalEntity, country, kind, plugin: null, config, configVersion: 1 };
    const answer = { id, status: 'stopped' };
    await this.store
      .append({
        tenant,
        actorRef: by.actorRef,
        events: [{ stream: connectionStream(id), type: 'ConnectionCreated.v1', data: data as unknown as JsonObject }],
        expect: { [connectionStream(id)]: 0 },
        side: async (query) => {
          await query({
            text: `INSERT INTO connection (tenant, id, name, role, legal_entity, country, kind, config, config_version, secrets, status)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, 'stopped')`,
            values: [
              ...[tenant, id, name, role, legalEntity, country, kind, JSON.stringify(config)],
              sealed ? JSON.stringify(sealed) : null,
            ],
          });
        },
        ...(by.idempotency ? { idempotency: by.idempotency, respond: () => ({ status: 201, body: answer }) } : {}),
      })
      .catch(nameTaken);
    by.idempotency = undefined;
    return answer;
  }
}

/** The one inward address a connection may reach: exactly its own, and never Lethe's databases. */
export function allowedHosts({ endpoint, allowInward }: Pick<DeclaredConfig, 'endpoint' | 'allowInward'>): string[] {
  if (!allowInward || endpoint === undefined) return [];
  return [hostAndPort(new URL(endpoint))];
}

function hostAndPort({ hostname, port, protocol }: URL): string {
  const usual = { 'https:': '443', 'http:': '80', 'postgres:': '5432', 'postgresql:': '5432' }[protocol] ?? '';
  return `${hostname}:${port || usual}`;
}

/** This machine has many spellings; numeric ones are dotted by the parser (WHATWG URL) before. */
const HERE = /^((.+\.)?localhost\.?|127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:(7f[0-9a-f]{2}:[0-9a-f]{1,4}|0:0)\])$/;

function machineAndPort(url: URL): string {
  const text = hostAndPort(url);
  return HERE.test(url.hostname) ? `here${text.slice(text.lastIndexOf(':'))}` : text;
}

function assertEndpoint(config: DeclaredConfig, { DATABASE_URL, LETHE_KEYSTORE_URL }: Config): void {
  const own = [DATABASE_URL, LETHE_KEYSTORE_URL].flatMap((url) =>
    url !== undefined && URL.canParse(url) ? [machineAndPort(new URL(url))] : [],
  );
  const refuse = (code: string): never => {
    throw unprocessable('endpoint-refused', {
      detail: 'The endpoint must be an https address that anybody can reach, or its inward host and port be allowed.',
      errors: [{ pointer: '/endpoint', code }],
    });
  };
  try {
    const url = checkUrl(config.endpoint ?? '', allowedHosts(config));
    if (own.includes(machineAndPort(url))) refuse('address-refused');
  } catch (error) {
    if (error instanceof OutboundFailure) refuse(error.code);
    throw error;
  }
}
