/** Every migration of this build, in order. */
import { accessLogMigrations } from '#access-log';
import { connectorsMigrations } from '#connectors';
import { consentMigrations } from '#consent';
import { inboxMigrations } from '#inbox';
import { jobsMigrations } from '#jobs';
import { ledgerMigrations } from '#ledger';
import { propagationMigrations } from '#propagation';
import { certificateMigrations, requestsMigrations } from '#requests';
import { retentionMigrations } from '#retention';
import { keystoreMigrations, subjectsMigrations } from '#subjects';
import { tenancyMigrations } from '#tenancy';
import type { Schemas } from './open-databases.js';

export const schemas: Schemas = {
  ledger: [
    ...ledgerMigrations,
    ...jobsMigrations,
    ...tenancyMigrations,
    ...subjectsMigrations,
    ...accessLogMigrations,
    ...consentMigrations,
    ...retentionMigrations,
    ...connectorsMigrations,
    ...inboxMigrations,
    ...propagationMigrations,
    ...requestsMigrations,
    ...certificateMigrations,
  ],
  keystore: keystoreMigrations,
};
