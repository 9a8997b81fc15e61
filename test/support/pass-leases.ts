/** Time that passes by hand: what a killed process had claimed is free at once, instead of when its lease has run out. */
import type { ServiceProcess } from './service-process.js';

/** For the short forms, while no process of the service runs; the long forms wait for the leases themselves. */
export async function passLeases({ superusers: { ledger } }: Pick<ServiceProcess, 'superusers'>): Promise<void> {
  await ledger.query(`UPDATE job SET lease_until = clock_timestamp() WHERE state = 'running'`);
  await ledger.query('UPDATE job_due SET next_lease_at = clock_timestamp()');
  await ledger.query('UPDATE housekeeping SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL');
}

/** The same for the claims of tasks that are being pushed to a system; those of workers that live stay theirs. */
export async function passPushes(service: Pick<ServiceProcess, 'superusers'>, connection: string): Promise<void> {
  await service.superusers.ledger.query(
    `UPDATE inbox_task SET lease_until = clock_timestamp() WHERE connection = $1 AND state = 'claimed' AND handle IS NULL`,
    [connection],
  );
}
