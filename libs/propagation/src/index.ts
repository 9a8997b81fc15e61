/** The door of propagation: events out, webhooks, who must obey a decision and who has said so. */
export { allTypes, obeyTypes, publicEventTypes, usualTypes, type PublicType } from './event/public-event.js';
export { propagationMigrations } from './propagation.migrations.js';
export { PropagationModule } from './propagation.module.js';
