/** What runs beside the service so that others can watch it, and so that it stops in time when its disk is full. */
import type { TenantId } from '#kernel';
import { openAdminPort, type AdminPort, type PlatformParts } from '#platform';
import { DiskWatch } from './disk-watch.js';
import { registerProcessGauges } from './process-gauges.js';
import { assertReady } from './readiness.js';
import { registerTenantGauges } from './tenant-gauges.js';

/** Runs until `close`. */
export interface Operations {
  /** Where metrics are served; absent when the admin port is closed. */
  adminPort?: number;
  close(): Promise<void>;
}

/** Registers gauges, watches the disk and opens the admin port if it is named. `serving` throws once calls should go elsewhere. */
export async function startOperations(
  parts: PlatformParts,
  tenants: () => Promise<TenantId[]>,
  serving: () => void,
): Promise<Operations> {
  registerProcessGauges(parts);
  registerTenantGauges(parts, tenants);
  const disk = new DiskWatch(parts);
  await disk.start();
  const { LETHE_ADMIN_PORT: port } = parts.config;
  let admin: AdminPort | undefined;
  try {
    const ready = async (): Promise<void> => {
      serving();
      await assertReady(parts);
    };
    if (port !== undefined) admin = await openAdminPort(port, parts.metrics, ready);
  } catch (error) {
    disk.stop();
    throw error;
  }
  const close = async (): Promise<void> => {
    disk.stop();
    await admin?.close();
  };
  return { ...(admin ? { adminPort: admin.port } : {}), close };
}
