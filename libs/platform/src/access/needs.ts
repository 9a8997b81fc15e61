/** What a route needs, as its metadata says; read by the guard, by what records refusals, and by the route test. */
import type { Action, Resource } from './abilities.js';

/** Metadata key; read by the route test. */
export const CAN = 'lethe:can';

/** What a route needs: an action on a resource, or `anyone` for health and public keys. */
export type Needs = { action: Action; resource: Resource } | 'anyone';
