/** The door of propagation. */
export { allTypes, obeyTypes, publicEventTypes, usualTypes, type PublicType } from './event/public-event.js';
export { propagationMigrations } from './propagation.migrations.js';
export { PropagationModule } from './propagation.module.js';
