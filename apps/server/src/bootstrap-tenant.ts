/** Creates a tenant with its first people and keys: for `lethe bootstrap`, the demo and the tests. */
import type { INestApplicationContext } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Caller, scopeGrants, type Role } from '#platform';
import { IssueCredential, Members, Tenants, type NewTenant, type Tenant } from '#tenancy';

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

/** One admin, two officers (an erasure takes two humans), one auditor, one system key with every scope. */
export async function bootstrapTenant(app: INestApplicationContext, wanted: NewTenant): Promise<BootstrappedTenant> {
  const tenant = await app.get(Tenants).create(wanted);
  const commands = app.get(CommandBus);
  const by = (): Caller =>
    new Caller({
      kind: 'human',
      id: 'bootstrap',
      tenant: tenant.id,
      mode: tenant.mode,
      roles: ['admin'],
      scopes: [],
      actorRef: 'system',
    });
  const keys: Record<string, string> = {};
  for (const { name, role } of people) {
    const member = await app.get(Members).add(tenant.id, 'system', { label: name, roles: [role] });
    const issued = await commands.execute(
      new IssueCredential(
        by(),
        { kind: 'personal', label: name, memberId: member.id, expiresInDays: 365 },
        tenant.mode,
      ),
    );
    keys[name] = issued.key;
  }
  const system = await commands.execute(
    new IssueCredential(
      by(),
      { kind: 'system', label: 'system', scopes: Object.keys(scopeGrants), expiresInDays: 365 },
      tenant.mode,
    ),
  );
  return { tenant, keys: { ...keys, system: system.key } as BootstrappedTenant['keys'] };
}
