/** Calls through the host with real processes: what comes back, what is refused, and what a slow reader costs. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#kernel';
import type { Item, Located, Target } from '@lethe/plugin-sdk';
import { all, codeOf, PluginWorkshop } from '../../../../test/support/plugin-fixtures.js';
import { PluginHost } from './plugin-host.js';
import { inspectPlugin, installPlugin } from '../package/plugin-package.js';

let workshop: PluginWorkshop;
let host: PluginHost;
beforeAll(() => {
  workshop = new PluginWorkshop({ inspectPlugin, installPlugin });
  host = new PluginHost({ clock: systemClock, runner: workshop.runner, times: { grace: 300 } });
});
afterAll(async () => {
  await host.close(500);
  workshop.clean();
});

const items: Item[] = [
  { itemKey: 'i1', generation: 1, ids: [{ type: 'email', value: 'ada@example.test', strength: 'verified' }] },
];
const found = (ref: string): Located => ({ itemKey: 'i1', dataset: 'people', ref, count: 1 });
const target = (ref: string): Target => ({ ...found(ref), action: 'erase' });
/** A connector whose locate, read, apply and verify answer with what the configuration says. */
const PARROT = `{
  async check(x) { return { ok: true, account: 'parrot' } },
  async *datasets() { yield { name: 'people', title: 'People', categories: [], fields: [], refs: [], shared: false, action: 'erase', stripFields: [], schemaHash: 'h' } },
  async *locate(x) { yield* x.config },
  async *read(x) { yield* x.config },
  async *apply(x) { yield* x.config },
  async *verify(x) { yield* x.config },
  async *horizon(x) { yield* x.config },
}`;
const parrot = (...config: object[]) => workshop.connection(PARROT, {}, { config: config as never[] });

describe('a call through the plugin host', () => {
  it('brings arguments, configuration, secrets, deadline and the clock to the plugin and its answers back', async () => {
    const connection = await workshop.connection(
      `{ async *locate(x, items) {
        const ok = x.secrets.password === 'correct horse' && x.config.table === 'people' && x.deadline > x.now();
        for (const { itemKey, ids } of items) yield { itemKey, dataset: 'people', ref: ids[0].value + ok, count: 1, extra: 'dropped' };
      } }`,
      {},
      { config: { table: 'people' }, secrets: { password: 'correct horse' } },
    );
    expect(await all(host.locate(connection, items))).toEqual([found('ada@example.testtrue')]);
  });

  it('carries a value above 1 MiB in several frames', async () => {
    const connection = await workshop.connection(
      `{ async *read(x, items, at) { yield { ...at[0], fields: { text: 'é'.repeat(2_500_000) } } } }`,
    );
    const [record] = await all(host.read(connection, items, [found('1')]));
    expect(JSON.stringify(record?.fields['text']).length).toBe(2_500_002);
  });

  it('loads an entry named .js, as an ES module and as CommonJS', async () => {
    const esm = await workshop.connection('{}', { entry: 'index.js' });
    expect(await host.check(esm)).toMatchObject({ ok: true });
    const dir = workshop.write('{}', { entry: 'index.js', id: 'common' });
    writeFileSync(join(dir, 'index.js'), `exports.default = { check: async () => ({ ok: true, account: 'common' }) };`);
    const { contentHash } = await inspectPlugin(dir);
    const plugin = await installPlugin(dir, join(workshop.folder, 'home'), contentHash);
    expect(await host.check({ ...esm, id: 'common', plugin })).toEqual({ ok: true, account: 'common' });
  });

  it('asks the plugin for its datasets when the connection names none', async () => {
    const connection = await parrot(found('1'));
    delete connection.datasets;
    expect(await all(host.locate(connection, items))).toEqual([found('1')]);
  });

  it('uses new secrets for new calls without a restart of the host', async () => {
    const connection = await workshop.connection(
      `{ async check(x) { return { ok: true, account: String(x.config.n) } } }`,
      {},
      { config: { n: 1 } },
    );
    expect(await host.check(connection)).toEqual({ ok: true, account: '1' });
    expect(await host.check({ ...connection, config: { n: 2 } })).toEqual({ ok: true, account: '2' });
  });

  it('keeps tenants apart even when their connections have the same id', async () => {
    const connection = await workshop.connection(
      `{ async check() { return { ok: true, account: String(process.pid) } } }`,
    );
    const [a, b] = await Promise.all([host.check(connection), host.check({ ...connection, tenant: 'tenant-b' })]);
    expect(a).not.toEqual(b);
    expect(await host.check(connection)).toEqual(a);
  });
});

describe('20,000 records', () => {
  const STREAM = `{
    async *locate(x) { for (; produced < 20000; produced++) yield { itemKey: 'i1', dataset: 'people', ref: String(produced), count: 1 } },
    async check() { return { ok: true, account: String(produced) } },
  }`;

  it('arrive complete and in order', async () => {
    const connection = await workshop.connection(STREAM, {}, { head: 'let produced = 0;' });
    const refs = (await all(host.locate(connection, items))).map(({ ref }) => Number(ref));
    expect(refs.length).toBe(20_000);
    expect(refs.every((ref, at) => ref === at)).toBe(true);
  });

  it('are not produced ahead of a slow reader', async () => {
    const connection = await workshop.connection(STREAM, {}, { head: 'let produced = 0;' });
    const reading = host.locate(connection, items);
    for (let taken = 0; taken < 100; taken++) await reading.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const check = await host.check(connection);
    const produced = Number(check.ok ? check.account : NaN);
    expect(produced).toBeGreaterThanOrEqual(100);
    expect(produced).toBeLessThanOrEqual(100 + 64 + 1);
    await reading.return(undefined);
  });
});

describe('answers that were not asked for', () => {
  it.each([
    ['foreign-dataset', { ...found('1'), dataset: 'payroll' }],
    ['foreign-dataset', { ...found('1'), dataset: 'constructor' }],
    ['foreign-item', { ...found('1'), itemKey: 'i2' }],
    ['invalid-answer', { ...found('1'), count: -1 }],
    ['invalid-answer', { ...found('nul\0') }],
    ['invalid-answer', { ...found('1'), blockedBy: 'Ada Lake still rents' }],
  ])('of locate are refused: %s', async (code, answer) => {
    expect(await codeOf(all(host.locate(await parrot(answer), items)))).toBe(code);
  });

  it('of read are refused, because they may be another person', async () => {
    const record = { itemKey: 'i1', dataset: 'people', ref: '2', fields: {} };
    expect(await codeOf(all(host.read(await parrot(record), items, [found('1')])))).toBe('foreign-record');
  });

  it('are refused when they carry __proto__', async () => {
    const connection = await workshop.connection(
      `{ async *read(x, items, at) { yield { ...at[0], fields: JSON.parse('{"__proto__": {"admin": true}}') } } }`,
    );
    expect(await codeOf(all(host.read(connection, items, [found('1')])))).toBe('invalid-answer');
  });
});

describe('the outcomes of an apply', () => {
  const apply = async (at: Target[], ...outcomes: object[]) =>
    all(host.apply(await parrot(...outcomes), { kind: 'erasure' }, items, at));
  const erased = (ref?: string) => ({
    itemKey: 'i1',
    dataset: 'people',
    count: 1,
    kind: 'erased',
    ...(ref ? { ref } : {}),
  });

  it('are complete: a target without one has failed by the fault of the plugin', async () => {
    const [first, second] = await apply([target('1'), target('2')], erased('1'));
    expect(first).toEqual(erased('1'));
    expect(second).toEqual({
      itemKey: 'i1',
      dataset: 'people',
      ref: '2',
      count: 0,
      kind: 'failed',
      retryable: false,
      error: { class: 'bug', code: 'no-outcome' },
    });
  });

  it('may speak for a whole dataset', async () => {
    expect(await apply([target('1'), target('2')], erased())).toEqual([erased()]);
  });

  it.each([
    ['invalid-answer', { ...erased('1'), kind: 'success' }],
    ['foreign-record', erased('3')],
    ['foreign-rule', { ...erased('1'), kind: 'retained', ruleId: 'my-own-law' }],
    ['foreign-dataset', { ...erased('1'), dataset: 'payroll' }],
  ])('stay inside the plan: %s', async (code, outcome) => {
    expect(await codeOf(apply([target('1')], outcome))).toBe(code);
  });

  it('come once', async () => {
    expect(await codeOf(apply([target('1')], erased('1'), erased('1')))).toBe('duplicate-outcome');
  });

  it('name the rule the plan handed out', async () => {
    const kept = { ...erased('1'), kind: 'retained', ruleId: 'de-hgb-257' };
    expect(await apply([{ ...target('1'), action: 'retain', ruleId: 'de-hgb-257' }], kept)).toEqual([kept]);
  });
});

describe('an outcome that goes beyond the plan', () => {
  const kept = (ref: string, action: 'retain' | 'strip'): Target => ({ ...found(ref), action, ruleId: 'de-hgb-257' });
  const overstepped = (ref: string) => ({
    ...{ itemKey: 'i1', dataset: 'people', ref, count: 0, kind: 'failed', retryable: false },
    ...{ error: { class: 'bug', code: 'plugin-overstepped' }, note: 'overstepped-by:sample' },
  });
  const apply = async (at: Target[], ...outcomes: object[]) =>
    all(host.apply(await parrot(...outcomes), { kind: 'erasure' }, items, at));
  const said = (kind: string, ref?: string) => ({
    ...{ itemKey: 'i1', dataset: 'people', count: 1, kind, ...(ref ? { ref } : {}) },
  });

  it.each([
    ['retain', 'erased'],
    ['retain', 'masked'],
    ['strip', 'erased'],
    ['strip', 'anonymised'],
    ['strip', 'detached'],
    ['strip', 'soft-deleted'],
  ] as const)('has failed by the fault of the plugin, which is named: %s answered with %s', async (action, kind) => {
    expect(await apply([kept('1', action)], said(kind, '1'))).toEqual([overstepped('1')]);
  });

  it('has failed for the kept ones alone when it speaks for a whole dataset', async () => {
    const gone: Target = { ...found('2'), action: 'erase' };
    expect(await apply([kept('1', 'strip'), gone], said('erased'))).toEqual([overstepped('1'), said('erased', '2')]);
  });

  it('is none when the record was gone already, or less was done', async () => {
    for (const kind of ['not-found', 'unsupported', 'masked'])
      expect(await apply([kept('1', 'strip')], said(kind, '1'))).toEqual([said(kind, '1')]);
  });
});

describe('a verification', () => {
  it('must cover every dataset of the connection', async () => {
    const connection = await parrot({ itemKey: 'i1', dataset: 'people', kind: 'clean' });
    expect(await all(host.verify(connection, items, []))).toHaveLength(1);
    connection.datasets = ['people', 'orders'];
    expect(await codeOf(all(host.verify(connection, items, [])))).toBe('no-verification');
  });
});

describe('a failure the plugin states', () => {
  it('keeps its class and loses identifiers and secrets from its words', async () => {
    const connection = await workshop.connection(
      `{ async *locate(x) { throw Object.assign(new Error('no ADA@example.test for s3cr3t!'), { name: 'ConnectorError', fail: { class: 'rate-limit', code: 'too-many', retryAfterMs: 5 } }) } }`,
      {},
      { secrets: { key: 's3cr3t!' } },
    );
    await expect(all(host.locate(connection, items))).rejects.toMatchObject({
      fail: { class: 'rate-limit', code: 'too-many', retryAfterMs: 5 },
      message: 'no [redacted] for [redacted]',
      plugin: 'sample@1.0.0',
    });
  });

  it('is a bug without its words when it is no ConnectorError', async () => {
    const connection = await workshop.connection(`{ async *locate() { throw new Error('row of Grace') } }`);
    await expect(all(host.locate(connection, items))).rejects.toMatchObject({
      fail: { class: 'bug', code: 'plugin-threw' },
      message: 'The plugin threw Error.',
    });
  });
});
