/** Every migration of this build, in order. */
import { ledgerMigrations } from '#ledger';
import { tenancyMigrations } from '#tenancy';
import type { Schemas } from './open-databases.js';

export const schemas: Schemas = {
  ledger: [...ledgerMigrations, ...tenancyMigrations],
  keystore: [],
};
