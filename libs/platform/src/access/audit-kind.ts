/** What a route leaves in the log, as its metadata says. */

/** Metadata key; read by the route test. */
export const AUDITED = 'lethe:audited';

/**
 * `change`: the command's own events are the entry. `read`: an access-log entry per subject seen. `exempt`: neither,
 * for the stated reason (the listed exemptions: check, health, ledger bytes).
 */
export type Audit = { name: string; kind: 'change' | 'read' } | { name: string; kind: 'exempt'; why: string };
