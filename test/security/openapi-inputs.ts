/** Inputs of every route, made from the OpenAPI document: valid ones, and valid ones with something wrong in them. */
import fc from 'fast-check';
import type { Json } from '#kernel';
import { junk, oddKeys, spoil } from './bad-values.js';

export interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  const?: Json;
  enum?: Json[];
  type?: string | string[];
  format?: string;
  pattern?: string;
  minimum?: number;
  minLength?: number;
  items?: Schema;
  prefixItems?: Schema[];
  minItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: Schema;
}

export interface Operation {
  operationId: string;
  method: string;
  path: string;
  body: Schema | undefined;
  parameters: Parameter[];
}

export interface OpenApi {
  paths: Record<string, Record<string, Record<string, unknown>>>;
  components: { schemas: Record<string, Schema> };
}

/** One HTTP call as it goes over the wire. */
export interface WireCall {
  path: string;
  headers: Record<string, string>;
  body: Buffer | undefined;
  /** What was done to it, for the message of a failure. */
  fault: string;
}

export function operationsOf(document: OpenApi): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      operationId: String(operation['operationId']),
      method: method.toUpperCase(),
      path,
      body: (operation['requestBody'] as { content?: Record<string, { schema: Schema }> } | undefined)?.content?.[
        'application/json'
      ]?.schema,
      parameters: (operation['parameters'] ?? []) as Parameter[],
    })),
  );
}

const samples = [
  'newsletter',
  'email',
  'en',
  '1',
  'P1Y',
  'a',
  'aaaaaaaaaaaaaaaa',
  '00000000-0000-4000-8000-000000000000',
  'aa'.repeat(32),
];
/** Strings for named fields that mean something: without them most bodies stop at the first rule. */
const wellKnown: Record<string, string> = {
  type: 'email',
  value: 'fuzz@example.test',
  purpose: 'newsletter',
  country: 'DE',
  id: 'signup',
  version: '1',
  language: 'en',
  method: 'web form',
};

/** Text for a named field in which anything may be written; undefined: the usual. */
export type Words = (name: string) => string | undefined;

/** A value that the schema takes, or nearly. */
export function valueOf(
  document: OpenApi,
  schema: Schema | undefined,
  name = '',
  depth = 0,
  words: Words = () => undefined,
): fc.Arbitrary<Json> {
  if (!schema || depth > 8) return fc.constant(null);
  const inner = (one: Schema | undefined, called = name): fc.Arbitrary<Json> =>
    valueOf(document, one, called, depth + 1, words);
  if (schema.$ref) return inner(document.components.schemas[schema.$ref.split('/').at(-1)!]);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((one) => inner(one)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const type = [schema.type].flat()[0];
  if (schema.properties || type === 'object') return objectOf(schema, inner);
  if (type === 'array') {
    const member = schema.items ?? schema.prefixItems?.[0];
    const least = Math.max(schema.minItems ?? 0, schema.prefixItems?.length ?? 0);
    return fc.array(inner(member), { minLength: least, maxLength: Math.max(2, least) });
  }
  if (type === 'integer' || type === 'number') return fc.integer({ min: schema.minimum ?? 1, max: 400 });
  if (type === 'boolean') return fc.boolean();
  return type === 'string' ? stringOf(schema, name, words) : fc.constantFrom<Json>('x', 1, null);
}

function objectOf(schema: Schema, inner: (one: Schema, name: string) => fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  const required = schema.required ?? [];
  const members = Object.entries(schema.properties ?? {}).map(([name, member]) => [name, inner(member, name)] as const);
  return fc.record(Object.fromEntries(members), {
    requiredKeys: required.filter((name) => name in (schema.properties ?? {})),
  }) as fc.Arbitrary<Json>;
}

function stringOf(schema: Schema, name: string, words: Words): fc.Arbitrary<Json> {
  const word = schema.format === undefined && schema.pattern === undefined ? words(name) : undefined;
  if (word !== undefined) return fc.constant(word);
  const known = wellKnown[name];
  if (schema.format === 'uuid') return fc.uuid();
  if (schema.format === 'date-time') return fc.constantFrom('2026-01-01T00:00:00Z', '2026-11-01T10:00:00+02:00');
  if (schema.format === 'date') return fc.constant('2026-11-01');
  const pattern = schema.pattern === undefined ? undefined : new RegExp(schema.pattern, 'u');
  if (known !== undefined && (!pattern || pattern.test(known))) return fc.constant(known);
  const fitting = samples.filter((text) => !pattern || pattern.test(text));
  return fc.constantFrom(...(fitting.length > 0 ? fitting : ['x']));
}

const badIds = [
  '%00',
  '%ff%fe',
  'x'.repeat(250),
  '..%2f..%2fetc',
  '%25',
  '%f0%9f%a7%a8',
  '0',
  '-1',
  '99999999999999999999',
  '1e99',
  '00000000-0000-0000-0000-000000000000',
  'FFFFFFFF-FFFF-4FFF-8FFF-FFFFFFFFFFFF',
  '%20',
  'null',
  '%ed%a0%80',
  "';--",
  '%',
  '%zz',
  '__proto__',
  'constructor',
];
const contentTypes = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/json; charset=utf-16',
  'application/json;;;',
  'APPLICATION/JSON',
  'application/jsonp',
  '',
  'application/octet-stream',
  'application/problem+json',
];
const oddHeaders: Record<string, string>[] = [
  { 'idempotency-key': 'k'.repeat(201) },
  { 'idempotency-key': '\u00e9\u00ff' },
  { 'accept-version': '99.0.0' },
  { accept: 'application/xml;q=9,*/*;q=x' },
  { 'content-encoding': 'gzip' },
  { expect: '100-continue' },
  { 'x-http-method-override': 'DELETE', 'x-forwarded-for': "'; --", 'x-forwarded-host': 'evil.example' },
  { range: 'bytes=0-1', 'if-match': '*', 'if-none-match': '"x"' },
  { cookie: `a=${'b'.repeat(4000)}` },
  { 'x-large': 'h'.repeat(20_000) },
  { upgrade: 'websocket', connection: 'Upgrade' },
];

/** Calls of one operation, each with at least one thing wrong. `canary` stands in them and must not come back in a refusal. */
export function badCallsOf(document: OpenApi, operation: Operation, canary: string): fc.Arbitrary<WireCall> {
  const ids = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name);
  const queries = operation.parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  const goodPath = fc.tuple(...ids.map(() => fc.uuid())).map((values) => fill(operation.path, ids, values));
  const badPath = fc
    .tuple(
      ...ids.map(() => fc.constantFrom(...badIds, canary)),
      ...queries.map(() => fc.constantFrom('', '-1', 'x', '1e9', '%00', '9'.repeat(30))),
    )
    .map(
      (values) =>
        fill(operation.path, ids, values) +
        (queries.length > 0
          ? `?${queries.map((name, at) => `${name}=${values[ids.length + at]}`).join('&')}`
          : '?__proto__[x]=1&a=%00'),
    );
  const body = valueOf(document, operation.body);
  const spoilt = fc
    .tuple(
      body,
      fc.array(fc.nat(20), { maxLength: 5 }),
      fc.constantFrom('replace', 'remove', 'add', 'repeat'),
      fc.oneof(junk, fc.constant<Json>(canary)),
      fc.constantFrom(...oddKeys),
    )
    .map(([value, where, how, what, key]) => ({
      fault: `${how} at ${where.join('/')}`,
      body: Buffer.from(JSON.stringify(spoil(value, where, how, what, key))),
    }));
  const raw = fc.oneof(
    body.map((value) => ({ fault: 'cut short', body: Buffer.from(JSON.stringify(value) ?? '').subarray(0, -1) })),
    body.map((value) => ({
      fault: 'bad UTF-8',
      body: Buffer.concat([
        Buffer.from('{"a":"'),
        Buffer.from([0xff, 0xc0, 0xed, 0xa0]),
        Buffer.from(`${JSON.stringify(value)}"}`),
      ]),
    })),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => ({ fault: 'random bytes', body: Buffer.from(bytes) })),
    fc
      .constantFrom(
        '',
        '[',
        'null',
        '"x"',
        '0',
        '[]',
        '\ufeff{}',
        '{"a":1,"a":2}',
        `${'['.repeat(100_000)}`,
        `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
      )
      .map((text) => ({ fault: `body ${text.slice(0, 12)}`, body: Buffer.from(text) })),
  );
  const whole = body.map((value) => ({ fault: 'none', body: Buffer.from(JSON.stringify(value)) }));
  const huge = fc.constant({ fault: '10 MB', body: Buffer.alloc(10 * 1024 * 1024, 0x61) });
  const bodies = operation.body
    ? fc.oneof(
        { weight: 30, arbitrary: spoilt },
        { weight: 6, arbitrary: whole },
        { weight: 8, arbitrary: raw },
        { weight: 1, arbitrary: huge },
      )
    : raw;
  const sends = operation.method !== 'GET';
  return fc
    .tuple(
      ids.length + queries.length > 0
        ? fc.oneof({ weight: 3, arbitrary: goodPath }, { weight: 1, arbitrary: badPath })
        : goodPath,
      bodies,
      rarely(oddHeaders, {}),
      rarely(contentTypes, 'application/json'),
    )
    .map(([path, { fault, body: bytes }, odd, type]) => ({
      path,
      headers: { ...(sends ? { 'content-type': type } : {}), ...odd } as Record<string, string>,
      body: sends ? bytes : undefined,
      fault: `${fault} ${path.slice(0, 120)} ${Object.keys(odd).join()} ${type}`,
    }));
}

/** Mostly the usual; sometimes one of the odd. */
function rarely<T>(odd: readonly T[], usual: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
}

function fill(path: string, names: readonly string[], values: readonly string[]): string {
  return names.reduce((filled, name, at) => filled.replace(`{${name}}`, values[at] ?? ''), path);
}
