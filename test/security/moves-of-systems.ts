/** Calls about what is connected: plugins, connections, inboxes, and the tasks that are pulled from them. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aManifest } from '../support/plugin-fixtures.js';
import {
  admin,
  always,
  listed,
  ofSort,
  withA,
  type Known,
  type Move,
  type Sort,
  type Step,
  type Thing,
} from './known-things.js';

const versions = ['1.0.0', '2.0.0', '3.0.0'];
const folderOf = (version: string): string => `sample-${version.replaceAll('.', '-')}`;
const secrets = { token: 'x' };

/** Puts a small plugin, in the versions that the moves know, where the API finds it. */
export function plantSample(dataDir: string): void {
  const source = `export default {
    async check() { return { ok: true, account: 'sample' } },
    async *datasets() {
      yield {
        name: 'people', title: 'People', categories: ['contact'], shared: false, action: 'erase', clockField: 'since',
        fields: [{ name: 'email', personal: true, identifier: { type: 'email', strength: 'identifying' } }, { name: 'since', personal: false }],
        refs: [], stripFields: [], schemaHash: '${'a'.repeat(64)}',
      };
    },
    async *locate() {}, async *read() {}, async *apply(x, op, items, at) { for (const { itemKey, ref } of at) yield { itemKey, dataset: 'people', ref, kind: 'erased', count: 1 } }, async *horizon() {},
    async *scan() { yield { dataset: 'people', ref: '1', startsOn: '2020-01-01' } },
    async *verify(x, items) { for (const { itemKey } of items) yield { itemKey, dataset: 'people', kind: 'clean' } },
  };`;
  for (const version of versions) {
    const folder = join(dataDir, 'plugins', 'incoming', folderOf(version));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'index.mjs'), source);
    const capabilities = ['access', 'erase', 'verify', 'retention'];
    const manifest = { ...aManifest(), version, secrets: ['token'], capabilities };
    writeFileSync(join(folder, 'lethe.plugin.json'), JSON.stringify(manifest));
  }
}

const place = { legalEntity: 'Club e.V.', country: 'DE' };
const datasets = [
  {
    ...{ name: 'members', title: 'Members' },
    fields: [{ name: 'email', identifier: { type: 'email', strength: 'identifying' } }],
  },
];
const put =
  (known: Known, sort: Sort, more: object = {}): ((answer: Thing) => void) =>
  ({ id }) =>
    known.put('connection', { id, sort, status: 'created', ...more });
/** A call on one of the connections that are like this. */
const on = (where: (one: Thing, known: Known) => boolean, step: (one: Thing, known: Known) => Step): Move =>
  withA('connection', where, (one, known) => ({ ...admin, path: [one.id], ...step(one, known) }));
const plugged = ({ sort, status, odd }: Thing): boolean => sort === 'plugin' && status !== 'created' && !odd;
const becomes = (one: Thing, status: string): Step => ({ learn: () => void (one.status = status) });

const connections: Record<string, Move> = {
  listPlugins: () => admin,
  listConnections: listed('connection'),
  inspectPlugin: (known) => {
    const version =
      versions.find((one) => !known.some('inspected', (it) => it.version === one)) ?? known.pick(versions);
    const inspected = ({ contentHash }: Thing): void =>
      void (
        known.some('inspected', (one) => one.version === version) ?? known.put('inspected', { version, contentHash })
      );
    return { ...admin, body: { name: folderOf(version) }, learn: inspected };
  },
  installPlugin: withA(
    'inspected',
    ({ version }, known) => !known.some('plugin', (one) => one.version === version),
    ({ version, contentHash }, known) => ({
      ...{ ...admin, body: { name: folderOf(version), contentHash } },
      learn: () => known.put('plugin', { version }),
    }),
  ),
  createConnection: (known) => {
    if (!known.some('plugin', (one) => one.version === '1.0.0') || ofSort(known, 'plugin') > 1) return undefined;
    const name = known.fresh('sample');
    const body = { name, ...place, plugin: { id: 'sample', version: '1.0.0' }, config: {}, secrets };
    return { ...admin, body, learn: put(known, 'plugin', { version: '1.0.0' }) };
  },
  registerSystem: (known) => {
    if (ofSort(known, 'place') > 0) return undefined;
    const body = { name: known.fresh('paper'), ...place, owner: 'the desk', why: 'It is on paper.' };
    return { ...admin, body, learn: put(known, 'place') };
  },
  declareInbox: withA(
    'worker',
    (_, known) => ofSort(known, 'inbox') < 2,
    (worker, known) => ({
      ...{ ...admin, body: { name: known.fresh('inbox'), ...place, keyId: worker.id, datasets } },
      otherwise: () => known.drop('worker', worker),
      learn: (answer) => {
        known.drop('worker', worker);
        put(known, 'inbox', { key: worker.key })(answer);
      },
    }),
  ),
  declareRemote: (known) => {
    if (ofSort(known, 'remote') > 0) return undefined;
    const where = { endpoint: 'https://remote.example.test/lethe', signingSecret: `whsec_${'a'.repeat(32)}` };
    return {
      ...admin,
      body: { name: known.fresh('remote'), ...place, datasets, ...where },
      learn: put(known, 'remote'),
    };
  },
  checkConnection: on(
    ({ sort, status }) => ['plugin', 'inbox'].includes(sort) && status === 'created',
    (one) => ({ learn: ({ ok }) => void (ok && (one.status = 'checked')) }),
  ),
  enableConnection: on(
    ({ status }) => ['checked', 'disabled'].includes(status),
    (one) => becomes(one, 'enabled'),
  ),
  disableConnection: on(
    ({ rolled, status }) => rolled && status === 'enabled',
    (one) => becomes(one, 'disabled'),
  ),
  configureConnection: on(plugged, () => ({ body: { config: {} } })),
  rotateConnectionSecret: on(plugged, () => ({ body: { secrets } })),
  upgradeConnection: on(
    (one, known) => plugged(one) && one.version === '1.0.0' && !!known.some('plugin', (it) => it.version === '2.0.0'),
    (one) => ({ body: { version: '2.0.0', secrets: {} }, learn: ({ version }) => Object.assign(one, { version }) }),
  ),
  rollbackConnection: on(
    (one) => plugged(one) && one.version === '2.0.0',
    (one) => ({
      ...{ body: {}, learn: ({ version }) => Object.assign(one, { version, rolled: true }) },
    }),
  ),
  quarantineConnection: on(plugged, (one) => ({
    ...{
      body: { reason: 'It looks odd.' },
      learn: () => void (one.odd = true),
      otherwise: () => void (one.odd = true),
    },
  })),
  clearQuarantine: on(
    ({ odd }) => odd,
    (one) => ({
      ...{
        body: { reason: 'It was right.' },
        learn: () => void (one.odd = false),
        otherwise: () => void (one.odd = false),
      },
    }),
  ),
  removeConnection: on(
    ({ status, rolled }) => status === 'disabled' && rolled,
    (one, known) => ({
      body: { reason: 'It closed.', takeover: { owner: 'the desk', dueOn: '2031-01-01' } },
      learn: () => known.drop('connection', one),
    }),
  ),
  removePlugin: withA(
    'plugin',
    ({ version }) => version === '3.0.0',
    (plugin, known) => ({
      ...{ ...admin, path: ['sample'], body: { version: plugin.version, reason: 'Nobody uses it.' } },
      learn: () => known.drop('plugin', plugin),
    }),
  ),
  rebindConnection: on(
    ({ sort }, known) => sort === 'inbox' && known.all('worker').length > 0,
    (one, known) => {
      const worker = known.some('worker');
      const bound = (): void => {
        known.drop('worker', worker);
        one.key = worker.key;
      };
      return { body: { keyId: worker.id }, learn: bound, otherwise: () => known.drop('worker', worker) };
    },
  ),
  redeclareConnection: on(
    ({ sort }) => sort === 'remote',
    () => ({ body: { datasets, answerWithinDays: 30 } }),
  ),
};

/** What the worker says of a task's datasets; of an erasure mostly that it cannot. */
function outcomesOf({ kind, datasets: asked, sent }: Thing, known: Known): Thing[] {
  const cannot = { kind: 'failed', retryable: false, code: 'broken' };
  const words: Record<string, Thing> = {
    ...{ locate: { kind: 'unsupported' }, verify: { kind: 'clean' }, obey: { kind: 'obeyed' } },
    read: sent ? { kind: 'provided', count: 1 } : { kind: 'not-found' },
    apply: known.pick([{ kind: 'erased', count: 1 }, cannot, cannot]),
  };
  return asked.map((one: Thing) => ({ dataset: one.name, ...words[kind] }));
}
/** A call on a task in hand, with the key of its system. */
const inHand = (where: (task: Thing) => boolean, step: (task: Thing, known: Known) => Step): Move =>
  withA(
    'task',
    (one) => one.fence !== undefined && where(one),
    (task, known) => ({
      ...{ key: task.inbox.key, path: [task.id], otherwise: () => known.drop('task', task) },
      ...step(task, known),
    }),
  );
const lease = { leaseSeconds: 900 };

const tasks: Record<string, Move> = {
  listTasks: withA(
    'connection',
    ({ sort, status }) => sort === 'inbox' && status === 'enabled',
    (inbox, known) => ({
      ...{ key: inbox.key, query: `?connectionId=${inbox.id}&wait=0` },
      learn: ({ items }) => {
        for (const { id, kind } of items)
          if (!known.some('task', (one) => one.id === id)) known.put('task', { id, kind, inbox });
      },
    }),
  ),
  claimTask: withA(
    'task',
    ({ fence }) => fence === undefined,
    (task, known) => ({
      ...{ key: task.inbox.key, path: [task.id], body: lease, otherwise: () => known.drop('task', task) },
      learn: ({ fence, datasets: asked }) => Object.assign(task, { fence, datasets: asked }),
    }),
  ),
  heartbeatTask: inHand(always, ({ fence }) => ({ body: { fence, ...lease } })),
  reportTaskOutcomes: inHand(always, (task, known) => ({
    body: { fence: task.fence, outcomes: outcomesOf(task, known) },
  })),
  takeTaskRecords: inHand(
    ({ kind, sent }) => kind === 'read' && !sent,
    (task) => {
      const record = { dataset: task.datasets[0].name, ref: '7', fields: { name: 'Ada' } };
      const content = `${JSON.stringify(record)}\n`;
      const sha256 = createHash('sha256').update(content).digest('hex');
      return { body: { fence: task.fence, part: 0, sha256, content }, learn: () => void (task.sent = true) };
    },
  ),
  completeTask: inHand(always, (task, known) => ({
    body: { fence: task.fence, outcomes: outcomesOf(task, known) },
    learn: () => known.drop('task', task),
  })),
  releaseTask: inHand(always, (task, known) => ({
    ...{ body: { fence: task.fence, reason: 'maintenance' }, learn: () => known.drop('task', task) },
  })),
};

export const movesOfSystems: Record<string, Move> = { ...connections, ...tasks };
