/** The domain's services over real databases and real key files, for specs of this domain and those above it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId, systemClock, type Clock, type TenantId } from '#kernel';
import { EventStore, ledgerMigrations, type Migration } from '#ledger';
import { FileKeys } from '#platform';
import { IdentifierLookup, KeyStore, keystoreMigrations, Sealer, Subjects, subjectsMigrations } from '#subjects';
import { createTestDatabase, type TestDatabase } from './test-database.js';

export interface SubjectsFixture {
  tenant: TenantId;
  clock: Clock;
  ledger: TestDatabase;
  vault: TestDatabase;
  keyDirectory: string;
  keys: FileKeys;
  store: EventStore;
  keyStore: KeyStore;
  sealer: Sealer;
  identifiers: IdentifierLookup;
  subjects: Subjects;
  /** A tenant with an empty log. */
  newTenant(): Promise<TenantId>;
  close(): Promise<void>;
}

/** @param migrations further migrations of the ledger's database, for domains above */
export async function openSubjects(clock: Clock = systemClock, migrations: Migration[] = []): Promise<SubjectsFixture> {
  const root = mkdtempSync(join(tmpdir(), 'lethe-subjects-'));
  const keyDirectory = join(root, 'keys');
  const [ledger, vault] = [
    await createTestDatabase([...ledgerMigrations, ...subjectsMigrations, ...migrations]),
    await createTestDatabase(keystoreMigrations),
  ];
  const keys = await FileKeys.open(keyDirectory);
  const store = new EventStore(ledger.database, clock);
  const keyStore = new KeyStore(vault.database, keys, clock);
  await keyStore.assertRing();
  const sealer = new Sealer(keyStore);
  const identifiers = new IdentifierLookup(ledger.database, keys);
  const subjects = new Subjects(identifiers, sealer);
  const newTenant = async (): Promise<TenantId> => {
    const tenant = newId() as TenantId;
    await ledger.database.transaction(tenant, (query) => store.open(query, tenant, newId()));
    return tenant;
  };
  const close = async (): Promise<void> => {
    await store.drained();
    await Promise.all([ledger.drop(), vault.drop()]);
    rmSync(root, { recursive: true, force: true });
  };
  return {
    tenant: await newTenant(),
    clock,
    ledger,
    vault,
    keyDirectory,
    keys,
    store,
    keyStore,
    sealer,
    identifiers,
    subjects,
    newTenant,
    close,
  };
}
