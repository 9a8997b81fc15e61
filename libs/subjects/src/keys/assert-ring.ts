/** At the start: the key directory is the one the key store was begun with, and holds every epoch that should live and no other. */
import type { Database } from '#ledger';
import { KeyUnavailable, type KeyProvider } from '#platform';

const EMPTY =
  'The key store is empty, and the ledger has tenants. Point LETHE_KEYSTORE_URL at the one it was begun with; when that one is lost, lethe restore --complete --keys <folder> --kept <folder>.';

/** Errors: `KeyUnavailable` naming what is lost, exchanged or of another installation. `begun`: the ledger has tenants. */
export async function assertRing(
  database: Database,
  provider: KeyProvider,
  now: Date,
  begun: () => Promise<boolean>,
): Promise<void> {
  const { ringId } = provider;
  // A second key for somebody who has one would hide the first for ever, also from a backup that comes later.
  if ((await readRing(database)) === undefined && (await begun())) throw new KeyUnavailable('missing', EMPTY);
  await database.global({
    text: 'INSERT INTO key_ring (ring_id) VALUES ($1) ON CONFLICT DO NOTHING',
    values: [ringId],
  });
  if ((await readRing(database)) !== ringId)
    throw new KeyUnavailable('damaged', 'These keys do not belong to this key store. Point LETHE_KEY_DIR at its own.');
  await assertEpochs(database, provider, now);
  await destroyAgain(database, provider);
}

/** Which key directory the key store was begun with. */
async function readRing(database: Database): Promise<string | undefined> {
  const { rows } = await database.global<{ ring_id: string }>({ text: 'SELECT ring_id FROM key_ring' });
  return rows[0]?.ring_id;
}

/** Every epoch that is not destroyed has the key it began with: one that was exchanged or lost is named before it is used. */
async function assertEpochs(database: Database, provider: KeyProvider, now: Date): Promise<void> {
  const current = await provider.currentEpoch();
  await database.global({
    text: 'INSERT INTO key_epoch (epoch, created_at, key_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    values: [current, now, (await provider.epochKeyId(current)) ?? null],
  });
  const { rows } = await database.global<{ epoch: string; key_id: string | null }>({
    text: 'SELECT epoch, key_id FROM key_epoch WHERE destroyed_at IS NULL ORDER BY epoch',
  });
  for (const { epoch, key_id } of rows) {
    const found = await provider.epochKeyId(epoch);
    // A rotation that was killed after the destruction and before its record: the next one completes it.
    if (found === undefined) continue;
    if (key_id !== null && key_id !== found)
      throw new KeyUnavailable('damaged', `Key file kek-${epoch} is not the one it began with. Restore it.`);
    if (key_id === null)
      await database.global({
        text: 'UPDATE key_epoch SET key_id = $2 WHERE epoch = $1 AND key_id IS NULL',
        values: [epoch, found],
      });
  }
}

/** An old copy of the directory brings destroyed keys back, and with them what certificates call unreadable since. */
async function destroyAgain(database: Database, provider: KeyProvider): Promise<void> {
  const { rows } = await database.global<{ epoch: string }>({
    text: 'SELECT epoch FROM key_epoch WHERE destroyed_at IS NOT NULL ORDER BY epoch',
  });
  for (const { epoch } of rows) if (await isBack(provider, epoch)) await provider.destroyEpoch(epoch);
}

async function isBack(provider: KeyProvider, epoch: string): Promise<boolean> {
  try {
    return (await provider.epochKeyId(epoch)) !== undefined;
  } catch (error) {
    if (!(error instanceof KeyUnavailable)) throw error;
    // Neither key nor mark: it is gone. A damaged file may be one whose destruction was cut short.
    return error.reason === 'damaged';
  }
}
