/** JSON-RPC over HTTP as Tryton speaks it: a session in the header, and errors that arrive with HTTP 200. */
import { ConnectorError } from '@lethe/plugin-sdk';
import type { Ctx, Json } from '@lethe/plugin-sdk';
import { parseConfig } from './config.js';
import type { TrytonConfig } from './config.js';
import { refusalText } from './refusal.js';

/** A record as Tryton's `read` gives it. */
export type Row = { [field: string]: Json };

/** Tryton's filter: clauses `[field, operator, value]`, joined by AND unless the first element says OR. */
export type Domain = Json[];

/**
 * Tryton said no. `unknown-model`: the module is not activated; `denied`: the user lacks a right; `refused`: a rule of a
 * module. The message is free of personal data.
 */
export class TrytonRefusal extends Error {
  constructor(
    readonly kind: 'unknown-model' | 'denied' | 'refused',
    message: string,
  ) {
    super(message);
    this.name = 'TrytonRefusal';
  }
}

/** An open session: calls are made as the connection's user, in English so that refusals can be recognised. */
export interface Session {
  call(method: string, ...parameters: Json[]): Promise<Json>;
  /** All records, inactive ones included, in pages of 500. */
  search(model: string, domain: Domain, fields: string[]): Promise<Row[]>;
  /** The same, but nothing when the model's module is not activated; a missing right is still an error. */
  searchIfThere(model: string, domain: Domain, fields: string[]): Promise<Row[]>;
  read(model: string, ids: number[], fields: string[]): Promise<Row[]>;
  write(model: string, ids: number[], values: Row): Promise<void>;
}

const PAGE = 500;

/** Logs in. @throws ConnectorError when the server is away, answers nonsense, or refuses the login. */
export async function openSession(x: Ctx<TrytonConfig>): Promise<Session> {
  const config = parseConfig(x.config);
  const login = await post(x, undefined, 'common.db.login', [
    config.user,
    { password: x.secrets['password'] ?? '' },
    'en',
  ]);
  if (!Array.isArray(login)) throw broken('login-unexpected');
  const token = Buffer.from(`${config.user}:${String(login[0])}:${String(login[1])}`).toString('base64');
  const call = (method: string, ...parameters: Json[]) => post(x, `Session ${token}`, method, parameters);
  const preferences = await call('model.res.user.get_preferences', true, {});
  const context: Row = { ...(preferences as Row), language: 'en' };
  const withContext = (method: string, ...parameters: Json[]) => call(method, ...parameters, context);
  // A clause `active in [true, false]` is not enough: Tryton drops it in the branches of an OR and hides inactive records.
  const inactiveToo = (method: string, ...parameters: Json[]) =>
    call(method, ...parameters, { ...context, active_test: false });
  return {
    call: withContext,
    search: (model, domain, fields) => searchAll(inactiveToo, model, domain, fields),
    searchIfThere: (model, domain, fields) => searchAll(inactiveToo, model, domain, fields).catch(nothingIfUnknown),
    read: async (model, ids, fields) =>
      ids.length === 0 ? [] : rowsOf(await withContext(`model.${model}.read`, ids, fields)),
    write: async (model, ids, values) => void (await withContext(`model.${model}.write`, ids, values)),
  };
}

async function searchAll(call: Session['call'], model: string, domain: Domain, fields: string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (let page = PAGE; page === PAGE;) {
    const found = rowsOf(await call(`model.${model}.search_read`, domain, rows.length, PAGE, [['id', 'ASC']], fields));
    page = found.length;
    rows.push(...found);
  }
  return rows;
}

function nothingIfUnknown(error: unknown): Row[] {
  if (error instanceof TrytonRefusal && error.kind === 'unknown-model') return [];
  throw error;
}

function rowsOf(answer: Json): Row[] {
  if (!Array.isArray(answer)) throw broken('answer-unexpected');
  return answer as Row[];
}

async function post(x: Ctx<TrytonConfig>, auth: string | undefined, method: string, parameters: Json[]): Promise<Json> {
  const address = `${x.config.url.replace(/\/+$/, '')}/${x.config.database}/rpc/`;
  const signal = AbortSignal.any([
    x.signal,
    AbortSignal.timeout(Math.max(1, x.deadline.getTime() - x.now().getTime())),
  ]);
  const headers = { 'content-type': 'application/json', ...(auth === undefined ? {} : { authorization: auth }) };
  // Exactly these three keys: with any other set the server answers in its newer form, errors as HTTP codes.
  const body = JSON.stringify({ id: 1, method, params: parameters });
  let answer: Json;
  try {
    const response = await fetch(address, { method: 'POST', headers, body, signal, redirect: 'error' });
    if (!response.ok) throw statusError(response.status);
    answer = (await response.json()) as Json;
  } catch (error) {
    if (error instanceof ConnectorError) throw error;
    throw new ConnectorError({ class: 'transient', code: 'server-unreachable' }, 'The Tryton server did not answer.');
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw broken('answer-unexpected');
  if (Array.isArray(answer['error'])) throw refusal(answer['error'], x, method);
  return answer['result'] ?? null;
}

function refusal(error: Json[], x: Ctx<TrytonConfig>, method: string): Error {
  const [kind, message] = error.map(String);
  if (kind === 'UserError' || kind === 'UserWarning') {
    const denied = /not allowed to (search|access|read)/.test(message ?? '');
    return new TrytonRefusal(denied ? 'denied' : 'refused', refusalText(message ?? ''));
  }
  // A model of a module that is not activated is a KeyError with the model's name.
  const model = method.split('.').slice(1, -1).join('.');
  if (kind === `'${model}'`) return new TrytonRefusal('unknown-model', 'The module of these records is not activated.');
  // Anything else is the text of a Python exception, which may quote values of records: it goes no further.
  x.log.warn('tryton answered with an error of its own', { method });
  return new ConnectorError({ class: 'transient', code: 'server-error' }, 'Tryton answered with an error of its own.');
}

function statusError(status: number): ConnectorError {
  if (status === 401 || status === 403) {
    return new ConnectorError({ class: 'auth', code: 'login-refused' }, 'Tryton refuses the login of this connection.');
  }
  if (status === 404) {
    return new ConnectorError(
      { class: 'config', code: 'database-unknown' },
      'The server has no database of this name.',
    );
  }
  if (status === 429) {
    return new ConnectorError(
      { class: 'rate-limit', code: 'too-many-requests', retryAfterMs: 30_000 },
      'Tryton is busy.',
    );
  }
  return new ConnectorError({ class: 'transient', code: 'server-error' }, `Tryton answered with HTTP ${status}.`);
}

const broken = (code: string) =>
  new ConnectorError({ class: 'permanent', code }, 'The server does not answer as Tryton does.');
