/** How recurring work goes round the tenants. */
import { inTurn, type TenantId } from '#kernel';
import type { Tenants } from './tenants.js';

/** Runs for every tenant, oldest first. Errors: the first one, once all of them had their turn. */
export async function eachTenant(
  tenants: Pick<Tenants, 'all'>,
  run: (tenant: TenantId) => Promise<unknown>,
): Promise<void> {
  await inTurn(await tenants.all(), ({ id }) => run(id));
}
