/** How recurring work goes round the tenants: the trouble of one is not the next one's. */
import type { TenantId } from '#kernel';
import type { Tenants } from './tenants.js';

/** Runs for every tenant, oldest first. Errors: the first one, once all of them had their turn. */
export async function eachTenant(
  tenants: Pick<Tenants, 'all'>,
  run: (tenant: TenantId) => Promise<unknown>,
): Promise<void> {
  const failed: unknown[] = [];
  for (const { id } of await tenants.all()) await run(id).catch((error: unknown) => failed.push(error));
  if (failed.length > 0) throw failed[0];
}
