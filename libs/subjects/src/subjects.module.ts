/** Wires subjects: services over the platform's parts, command handlers, routes. */
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { Clock } from '#kernel';
import { Database, EventStore, LogReader } from '#ledger';
import { CLOCK, KeyProvider, KEYSTORE_DATABASE } from '#platform';
import { TenancyModule, Tenants } from '#tenancy';
import { AddIdentifierHandler } from './add-identifier.js';
import { CertificateKeys } from './keys/certificate-keys.js';
import { EraseIdentityHandler } from './erase-identity.js';
import { FindSubjects } from './find-subjects.js';
import { IdentifierLookup } from './identifier-lookup.js';
import { KeyRotation } from './keys/key-rotation.js';
import { KeyStore } from './keys/keystore.js';
import { LinkSubjectsHandler } from './link-subjects.js';
import { People } from './people.js';
import { LiftRestrictionHandler, RestrictSubjectHandler } from './restrict-subject.js';
import { Sealer } from './keys/sealer.js';
import { Subjects } from './subjects.js';
import { SubjectsController } from './subjects.controller.js';
import { SuppressionKeeping, SuppressionsCheck } from './suppression/suppressions-check.js';
import { Suppressions } from './suppression/suppressions.js';
import { UnlinkSubjectsHandler } from './unlink-subjects.js';
import { VerifyIdentifierHandler } from './verify-identifier.js';

const services = [
  {
    provide: KeyStore,
    inject: [KEYSTORE_DATABASE, KeyProvider, CLOCK, Tenants],
    useFactory: async (database: Database, keys: KeyProvider, clock: Clock, tenants: Tenants): Promise<KeyStore> => {
      const keyStore = new KeyStore(database, keys, clock);
      await keyStore.assertRing(async () => (await tenants.all()).length > 0);
      await keyStore.join();
      return keyStore;
    },
  },
  { provide: Sealer, inject: [KeyStore], useFactory: (keyStore: KeyStore) => new Sealer(keyStore) },
  {
    provide: IdentifierLookup,
    inject: [Database, KeyProvider],
    useFactory: (database: Database, keys: KeyProvider) => new IdentifierLookup(database, keys),
  },
  {
    provide: Subjects,
    inject: [IdentifierLookup, Sealer],
    useFactory: (identifiers: IdentifierLookup, sealer: Sealer) => new Subjects(identifiers, sealer),
  },
  {
    provide: People,
    inject: [Database, Sealer],
    useFactory: (database: Database, sealer: Sealer) => new People(database, sealer),
  },
  {
    provide: Suppressions,
    inject: [KEYSTORE_DATABASE, KeyProvider, CLOCK],
    useFactory: (database: Database, keys: KeyProvider, clock: Clock) => new Suppressions(database, keys, clock),
  },
  SuppressionKeeping,
  {
    provide: SuppressionsCheck,
    inject: [Suppressions, Subjects, SuppressionKeeping],
    useFactory: (suppressions: Suppressions, subjects: Subjects, keeping: SuppressionKeeping) =>
      new SuppressionsCheck(suppressions, subjects, keeping),
  },
  {
    provide: CertificateKeys,
    inject: [Database, KeyProvider],
    useFactory: (database: Database, keys: KeyProvider) => new CertificateKeys(database, keys),
  },
  {
    provide: KeyRotation,
    inject: [EventStore, LogReader, KeyProvider, KeyStore, Sealer],
    useFactory: (store: EventStore, reader: LogReader, keys: KeyProvider, keyStore: KeyStore, sealer: Sealer) =>
      new KeyRotation({ store, reader, keys, keyStore, sealer }),
  },
  {
    provide: FindSubjects,
    inject: [Subjects, People],
    useFactory: (subjects: Subjects, people: People) => new FindSubjects(subjects, people),
  },
];

const handlers = [
  AddIdentifierHandler,
  EraseIdentityHandler,
  LiftRestrictionHandler,
  LinkSubjectsHandler,
  RestrictSubjectHandler,
  UnlinkSubjectsHandler,
  VerifyIdentifierHandler,
];

@Module({
  imports: [CqrsModule, TenancyModule],
  controllers: [SubjectsController],
  providers: [...services, ...handlers],
  exports: [
    CertificateKeys,
    KeyRotation,
    KeyStore,
    Sealer,
    IdentifierLookup,
    Subjects,
    People,
    Suppressions,
    SuppressionKeeping,
  ],
})
export class SubjectsModule {}
