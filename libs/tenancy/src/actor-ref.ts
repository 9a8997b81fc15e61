/** Pseudonyms of staff: they are data subjects too, so leaves hold a keyed hash and never a name (C-579/21). */
import type { TenantId } from '#kernel';
import type { KeyProvider } from '#platform';

/** How a leaf names a member or a system key: `member:…`, `system:…`. */
export function actorRefOf(keys: KeyProvider, tenant: TenantId, kind: 'member' | 'system', id: string): string {
  return `${kind}:${keys.mac(tenant, 'actor', `${kind}:${id}`).toString('hex').slice(0, 24)}`;
}

/** How a leaf names a member. */
export function memberRef(keys: KeyProvider, tenant: TenantId, id: string): string {
  return actorRefOf(keys, tenant, 'member', id);
}
