/** What an error of a connector may say to the host: its kind and code, never values of a record. */
import type { Fail } from './records.js';

/** Codes of Node and of drivers that mean: the same call may succeed later. */
const TRANSIENT = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

/**
 * The failure of a whole call. A `ConnectorError` speaks for itself (known by its shape: a bundled plugin brings its
 * own copy of the class); of anything else only the name and code are told, because messages of drivers quote values.
 */
export function failOf(error: unknown, aborted: boolean): { fail: Fail; message: string } {
  const { name, code, fail, message } = parts(error);
  if (name === 'ConnectorError' && fail !== undefined) return { fail: fail as Fail, message: message.slice(0, 500) };
  if (aborted) return { fail: { class: 'transient', code: 'aborted' }, message: 'The call was aborted.' };
  if (TRANSIENT.has(code)) {
    return { fail: { class: 'transient', code: kebab(code) }, message: 'The connected system did not answer.' };
  }
  const what = code === '' ? name : `${name} ${code}`;
  return { fail: { class: 'bug', code: 'plugin-threw' }, message: `The plugin threw ${what.slice(0, 100)}.` };
}

/** Name, code and stack frames of an error without its message, for the captured log. */
export function traceOf(error: unknown): string {
  const { name, code, stack } = parts(error);
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return [`${name} ${code}`.trim(), ...frames].join('\n');
}

function parts(error: unknown): { name: string; code: string; fail: unknown; message: string; stack: string } {
  const e = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    name: text(e['name']) || 'a value that is no error',
    code: text(e['code']),
    fail: e['fail'],
    message: text(e['message']),
    stack: text(e['stack']),
  };
}

function kebab(code: string): string {
  return code.toLowerCase().replaceAll('_', '-');
}
