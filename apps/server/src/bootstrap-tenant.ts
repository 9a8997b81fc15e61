/** Creates a tenant with its first people and keys: for `lethe bootstrap`, the demo and the tests. */
import type { INestApplicationContext } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Caller, scopeGrants, type Role } from '#platform';
import { INSTALLER, IssueCredential, Members, Tenants, type NewTenant, type Tenant } from '#tenancy';

/** Keys are shown once; only their hashes are stored. */
export interface BootstrappedTenant {
  tenant: Tenant;
  keys: { admin: string; officer: string; officer2: string; auditor: string; system: string };
}

const people: { name: 'admin' | 'officer' | 'officer2' | 'auditor'; role: Role }[] = [
  { name: 'admin', role: 'admin' },
  { name: 'officer', role: 'privacy-officer' },
  { name: 'officer2', role: 'privacy-officer' },
  { name: 'auditor', role: 'auditor' },
];

/** How long the first keys live; humans issue their own afterwards. */
const DEFAULT_DAYS = 365;

/** One admin, two officers (an erasure takes two humans), one auditor, one system key with every scope. */
export async function bootstrapTenant(
  app: INestApplicationContext,
  wanted: NewTenant,
  days = DEFAULT_DAYS,
): Promise<BootstrappedTenant> {
  const tenant = await app.get(Tenants).create(wanted);
  for (const { name, role } of people)
    await app.get(Members).add(tenant.id, { actorRef: 'system' }, { label: name, roles: [role] });
  return { tenant, keys: await issueFirstKeys(app, tenant, days) };
}

/** New keys for the people a tenant began with, e.g. when the demo's have expired. Errors: 404 when one of them has left. */
export async function issueFirstKeys(
  app: INestApplicationContext,
  tenant: Tenant,
  days = DEFAULT_DAYS,
): Promise<BootstrappedTenant['keys']> {
  const keys: Record<string, string> = {};
  for (const { name } of people) keys[name] = await issueKeyOf(app, tenant, name, days);
  const scopes = Object.keys(scopeGrants);
  const system = { kind: 'system' as const, label: 'system', scopes, expiresInDays: days };
  keys['system'] = (await app.get(CommandBus).execute(new IssueCredential(installer(tenant), system, tenant.mode))).key;
  return keys as BootstrappedTenant['keys'];
}

/** A key for the member of this name. Errors: 404 when there is none. */
export async function issueKeyOf(
  app: INestApplicationContext,
  tenant: Tenant,
  name: string,
  days: number,
): Promise<string> {
  const members = await app.get(Members).list(tenant.id);
  const memberId = members.find((member) => member.label === name)?.id ?? '';
  const wanted = { kind: 'personal' as const, label: name, memberId, expiresInDays: days };
  return (await app.get(CommandBus).execute(new IssueCredential(installer(tenant), wanted, tenant.mode))).key;
}

/** The operator at the machine, before anybody has a key. */
function installer({ id, mode }: Tenant): Caller {
  return new Caller({
    kind: 'human',
    id: INSTALLER,
    tenant: id,
    mode,
    roles: ['admin'],
    scopes: [],
    actorRef: 'system',
  });
}
