/** Calls of a route that name what belongs to somebody else: in the path, the body, a filter, a cursor, a token, a link. */
import fc from 'fast-check';
import type { Json } from '#kernel';
import type { Filled } from './filling.js';
import { valueOf, type OpenApi, type Operation } from './openapi-inputs.js';

/** Path prefixes whose ids nobody can make over HTTP in a test, with the reason. */
export const invented: Record<string, string> = {};

/** A call to be sent by anybody. */
export interface Call {
  path: string;
  body: Json;
}

/** `/v1/requests/{id}/tasks/{taskId}` has the prefixes `/v1/requests` and, a star for a parameter, `/v1/requests/*` + `/tasks`. */
export function prefixesOf(path: string): string[] {
  const parts = path.split('/');
  return parts.flatMap((part, at) =>
    part.startsWith('{')
      ? [
          parts
            .slice(0, at)
            .join('/')
            .replaceAll(/\{\w+\}/g, '*'),
        ]
      : [],
  );
}

/** Every way to fill a path from two tenants' real ids with at least one foreign id in it. */
export function foreignPaths(operation: Operation, own: Filled, foreign: Filled, at: number): string[] {
  const prefixes = prefixesOf(operation.path);
  const pick = (from: Filled, prefix: string): string => {
    const ids = from.ids.get(prefix) ?? ['00000000-0000-7000-8000-000000000000'];
    return ids[at % ids.length]!;
  };
  const choices =
    prefixes.length < 2
      ? [[true]]
      : [
          [true, true],
          [false, true],
          [true, false],
        ];
  return choices.map((foreigns) => {
    let index = -1;
    return operation.path.replaceAll(/\{\w+\}/g, () => {
      index += 1;
      return pick(foreigns[index] === false ? own : foreign, prefixes[index]!);
    });
  });
}

/** The owner's own path with what it must ask, to show that its ids are real. */
export function ownPath(operation: Operation, own: Filled, at = 0): string {
  let index = -1;
  const prefixes = prefixesOf(operation.path);
  return (
    operation.path.replaceAll(/\{\w+\}/g, () => {
      const ids = own.ids.get(prefixes[(index += 1)]!) ?? ['?'];
      return ids[at % ids.length]!;
    }) + required(operation)
  );
}

function required({ parameters }: Operation): string {
  const asked = parameters.flatMap(({ name, in: where, required: must, schema }) =>
    where === 'query' && must ? [`${name}=${String(schema?.enum?.[0] ?? (name === 'from' ? 1 : 2))}`] : [],
  );
  return asked.length > 0 ? `?${asked.join('&')}` : '';
}

const byName: Record<string, string> = {
  subjectId: '/v1/subjects',
  subject: '/v1/subjects',
  connectionId: '/v1/admin/connections',
  connection: '/v1/admin/connections',
  memberId: '/v1/admin/members',
  policyId: '/v1/retention/policies',
  requestId: '/v1/requests',
  holdId: '/v1/holds',
  endpointId: '/v1/webhook-endpoints',
  deliveryId: '/v1/webhook-deliveries',
  keyId: '/v1/admin/api-keys',
  taskId: '/v1/tasks',
};

/** Values of the other tenant wherever a name says that an id, cursor or token goes there. */
export function withForeign(
  value: Json,
  name: string,
  foreign: Filled & { all: string[]; mark: string },
  chance: () => number,
): Json {
  const pick = (from: readonly string[]): string => from[chance() % from.length] ?? '';
  if (Array.isArray(value)) return value.map((member) => withForeign(member, name, foreign, chance));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withForeign(one, key, foreign, chance)]));
  if (typeof value !== 'string') return value;
  if (/cursor|after/i.test(name)) return pick(foreign.cursors);
  if (/token|atLeast/i.test(name)) return pick(foreign.tokens);
  const prefix = byName[name];
  if (prefix !== undefined) return pick(foreign.ids.get(prefix) ?? foreign.all);
  // What does not look like an id is a word of the caller's own choice.
  if (/ids?$/i.test(name) && /^([0-9a-f-]{16,})?$/.test(value)) return pick(foreign.all);
  return name === 'value' && value.includes('@') ? `${foreign.mark}@example.test` : value;
}

/** Bodies that a tenant sent to this route with success. */
function sentTo({ method, path }: Operation, { sent }: Filled): Json[] {
  const route = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
  return sent.filter((one) => one.method === method && route.test(one.path)).map(({ body }) => body);
}

const datasets = [{ name: 'members', title: 'Members' }];
const secret = `whsec_${'a'.repeat(32)}`;
/** Bodies of routes that nobody calls to fill a tenant, or whose ids nobody fills in there. What is an id in them is put in. */
const goodBodies: Record<string, Json[]> = {
  declareRemote: [
    {
      ...{ name: 'remote', legalEntity: 'x', country: 'DE', keyId: '', datasets },
      ...{ endpoint: 'https://remote.example.test/lethe', signingSecret: secret },
    },
  ],
  rebindConnection: [{ keyId: '' }],
  redeclareConnection: [{ datasets }],
  rotateWebhookSecret: [{}],
  excludeFromPlan: [{ connectionId: '', dataset: 'members', reason: 'x' }],
  refuseRequest: [{ reason: 'x', exception: 'gdpr-12-5-b' }],
  takeTaskRecords: [{ fence: 1, part: 0, sha256: '0'.repeat(64), content: 'x' }],
  reportTaskOutcomes: [{ fence: 1, outcomes: [{ dataset: 'members', kind: 'not-found' }] }],
  completeTask: [{ fence: 1 }],
  releaseTask: [{ fence: 1 }],
  searchAccesses: [{ subjectId: '' }, { subject: { identifiers: [{ type: 'email', value: '@' }] } }],
  searchRequests: [{ subjectId: '' }],
};

/** Every other time with what is optional, which is where cursors stand. */
function query(operation: Operation, foreign: Filled & { all: string[] }, at: number, chance: () => number): string {
  const given = operation.parameters.flatMap(({ name, in: where, required: must, schema }) => {
    if (where !== 'query' || (!must && at % 2 === 1)) return [];
    const pick = (from: readonly string[]): string => from[chance() % from.length] ?? '';
    if (schema?.format === 'uuid' || /id$/i.test(name))
      return [`${name}=${pick(foreign.ids.get(byName[name] ?? '') ?? foreign.all)}`];
    if (/cursor|after/i.test(name)) return [`${name}=${encodeURIComponent(pick(foreign.cursors))}`];
    const [word] = schema?.enum ?? [];
    if (typeof word === 'string') return [`${name}=${word}`];
    // A long poll would wait for what never comes.
    return [`${name}=${name === 'wait' ? 0 : name === 'from' ? 1 : 2}`];
  });
  return given.length > 0 ? `?${given.join('&')}` : '';
}

/** The own good bodies and `runs` others, for every foreign path of the operation. */
export function foreignCalls(
  document: OpenApi,
  operation: Operation,
  own: Filled,
  foreign: Filled & { all: string[]; mark: string },
  { runs, seed }: { runs: number; seed: number },
): Call[] {
  const draw = <T>(from: fc.Arbitrary<T>, numRuns: number): T[] => fc.sample(from, { numRuns, seed });
  const [chances] = draw(fc.infiniteStream(fc.nat(1_000_000)), 1);
  const chance = (): number => Number(chances?.next().value);
  const known = [...sentTo(operation, own), ...(goodBodies[operation.operationId] ?? [])];
  return [...known, ...draw(valueOf(document, operation.body), runs)].flatMap((body, at) =>
    foreignPaths(operation, own, foreign, at).map((path) => ({
      path: path + query(operation, foreign, at, chance),
      body: withForeign(body, '', foreign, chance),
    })),
  );
}
