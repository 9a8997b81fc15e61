/** What an error of PostgreSQL means to Lethe. Its message and detail quote values, so only the SQLSTATE is kept. */
import { ConnectorError, type Fail } from '@lethe/plugin-sdk';

const BY_STATE: Record<string, Fail> = {
  '28000': { class: 'auth', code: 'login-refused' },
  '28P01': { class: 'auth', code: 'login-refused' },
  '42501': { class: 'auth', code: 'permission-denied' },
  '3D000': { class: 'config', code: 'database-missing' },
  '42P01': { class: 'config', code: 'table-missing' },
  '42703': { class: 'config', code: 'column-missing' },
  '23503': { class: 'permanent', code: 'foreign-key' },
  '55P03': { class: 'transient', code: 'lock-timeout' },
  '40P01': { class: 'transient', code: 'deadlock' },
  '40001': { class: 'transient', code: 'serialization' },
  '57014': { class: 'transient', code: 'statement-timeout' },
  '53300': { class: 'transient', code: 'too-many-connections' },
};
const BY_CLASS: Record<string, Fail> = {
  '08': { class: 'transient', code: 'connection-lost' },
  '57': { class: 'transient', code: 'server-stopping' },
  '53': { class: 'transient', code: 'server-overloaded' },
  '23': { class: 'permanent', code: 'constraint' },
};

function failOf(error: unknown): Fail {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/^[0-9A-Z]{5}$/.test(code))
    return (
      BY_STATE[code] ?? BY_CLASS[code.slice(0, 2)] ?? { class: 'permanent', code: `sqlstate-${code.toLowerCase()}` }
    );
  // Node's own codes (ECONNREFUSED, ENOTFOUND) and pg's "terminated unexpectedly", which has none.
  return { class: 'transient', code: 'connection-lost' };
}

/** The same failure without a value of the database in it. */
export function connectorError(error: unknown): Error {
  if (error instanceof ConnectorError) return error;
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) return error;
  const fail = failOf(error);
  return new ConnectorError(fail, `PostgreSQL did not do it: ${fail.code}.`);
}
