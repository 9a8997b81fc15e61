/** Keys that sign logs in specs, and logs that fall back to an older backup. */
import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import type { TenantId } from '#kernel';
import type { LogKeys } from '#ledger';
import type { TestDatabase } from './test-database.js';

/** A key of its own for every generation. */
const privateKey = (generation: number): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 4 + generation)]),
    format: 'der',
    type: 'pkcs8',
  });

/** The raw public key of a generation. */
export const publicKey = (generation: number): Buffer =>
  createPublicKey(privateKey(generation)).export({ format: 'der', type: 'spki' }).subarray(12);

/** The same for every tenant. */
export const signingKeys: LogKeys = {
  publicKey: (_, generation) => Promise.resolve(publicKey(generation)),
  sign: (_, message, generation) => Promise.resolve(sign(null, message, privateKey(generation))),
};

/** Remembers a log as it stands; answers how to set it back there, as the restore of a backup does. */
export async function backUp(
  { superuser }: Pick<TestDatabase, 'superuser'>,
  tenant: TenantId,
): Promise<() => Promise<void>> {
  const { rows } = await superuser.query<Record<'size' | 'root' | 'frontier' | 'recorded_at', unknown>>(
    'SELECT size, root, frontier, recorded_at FROM log_head WHERE tenant = $1',
    [tenant],
  );
  const { size, root, frontier, recorded_at: recordedAt } = rows[0]!;
  return async () => {
    await superuser.query('DELETE FROM event WHERE tenant = $1 AND position >= $2', [tenant, size]);
    await superuser.query('DELETE FROM checkpoint WHERE tenant = $1 AND size > $2', [tenant, size]);
    await superuser.query(
      'UPDATE log_head SET size = $2, root = $3, frontier = $4, recorded_at = $5 WHERE tenant = $1',
      [tenant, size, root, frontier, recordedAt],
    );
  };
}
