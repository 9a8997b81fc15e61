/** What an approval binds, and what it leaves open. */
import { describe, expect, it } from '@jest/globals';
import { bandOf, planChanges, planHash, type PlanHead, type PlannedDecision } from './plan.js';

const decision = (count: number, over: Partial<PlannedDecision> = {}): PlannedDecision => ({
  action: 'erase',
  kind: 'ground-met',
  ruleId: 'gdpr-17-1-a',
  citation: null,
  untilFrom: null,
  untilTo: null,
  reviewOn: null,
  fields: [],
  count,
  band: bandOf(count),
  ...over,
});

function head(change: (plan: PlanHead) => void = () => undefined): PlanHead {
  const plan: PlanHead = {
    type: 'erasure',
    ground: 'gdpr-17-1-a',
    systems: [
      {
        ...{
          connectionId: 'shop',
          name: 'Shop',
          pluginId: 'postgres',
          pluginVersion: '1.0.0',
          contentHash: 'h',
          configVersion: 1,
          role: 'own',
          legalEntity: 'Shop',
          country: 'DE',
          isolation: 'process',
        },
        datasets: [
          {
            name: 'orders',
            title: 'Orders',
            categories: [],
            schemaHash: 's1',
            decisions: [decision(100)],
            leftAlone: 0,
          },
          { name: 'letters', title: 'Letters', categories: [], schemaHash: 's2', decisions: [], leftAlone: 0 },
        ],
      },
    ],
    blockers: [],
    unsearched: [],
    identifiers: { verified: 1, derived: 0 },
    exclusions: [],
  };
  change(plan);
  return plan;
}

const shop = (plan: PlanHead): PlanHead['systems'][number] => plan.systems[0]!;
const changes = (change: (plan: PlanHead) => void, macs = ['m1']): string[] =>
  planChanges({ head: head(), macs: ['m1'] }, { head: head(change), macs }).map((one) => one.code);

describe('an approval', () => {
  it('covers what has not changed, and more or fewer rows inside the band', () => {
    expect(changes(() => undefined)).toEqual([]);
    expect(changes((plan) => (shop(plan).datasets[0]!.decisions = [decision(120)]))).toEqual([]);
    expect(changes((plan) => (shop(plan).datasets[0]!.decisions = [decision(80)]))).toEqual([]);
    expect(changes((plan) => (shop(plan).isolation = 'sandbox'))).toEqual([]);
    expect(changes(() => undefined, [])).toEqual([]);
  });

  const anew: [string, (plan: PlanHead) => void, string][] = [
    ['a count above the band', (plan) => (shop(plan).datasets[0]!.decisions = [decision(121)]), 'count-outside-band'],
    ['a count below the band', (plan) => (shop(plan).datasets[0]!.decisions = [decision(79)]), 'count-outside-band'],
    ['everything gone', (plan) => (shop(plan).datasets[0]!.decisions = []), 'count-outside-band'],
    ['rows in a dataset that had none', (plan) => (shop(plan).datasets[1]!.decisions = [decision(1)]), 'decision-new'],
    [
      'another action',
      (plan) => (shop(plan).datasets[0]!.decisions = [decision(100, { action: 'anonymise' })]),
      'decision-new',
    ],
    [
      'another ground',
      (plan) => (shop(plan).datasets[0]!.decisions = [decision(100, { kind: 'exception', ruleId: 'de-invoice' })]),
      'decision-new',
    ],
    [
      'further fields',
      (plan) => (shop(plan).datasets[0]!.decisions = [decision(100, { fields: ['email'] })]),
      'decision-new',
    ],
    ['a new dataset', (plan) => shop(plan).datasets.push({ ...shop(plan).datasets[0]!, name: 'new' }), 'dataset-new'],
    ['a dataset that is gone', (plan) => shop(plan).datasets.pop(), 'dataset-gone'],
    ['another schema', (plan) => (shop(plan).datasets[0]!.schemaHash = 's9'), 'schema-changed'],
    ['another table map', (plan) => (shop(plan).configVersion = 2), 'table-map-changed'],
    ['another plugin version', (plan) => (shop(plan).pluginVersion = '1.0.1'), 'plugin-changed'],
    ['the same version with other bytes', (plan) => (shop(plan).contentHash = 'x'), 'plugin-changed'],
    ['a new system', (plan) => plan.systems.push({ ...shop(plan), connectionId: 'crm' }), 'system-new'],
    ['a system that is gone', (plan) => plan.systems.pop(), 'system-gone'],
    [
      'a new blocker',
      (plan) => plan.blockers.push({ code: 'ambiguous-identifier', connectionId: 'shop', dataset: 'orders', count: 1 }),
      'blocker-new',
    ],
    [
      'a system that cannot be searched',
      (plan) => plan.unsearched.push({ id: 'u', name: 'Archive', owner: 'o', why: 'paper' }),
      'unsearched-new',
    ],
    ['another exclusion', (plan) => plan.exclusions.push('e1'), 'exclusion-changed'],
  ];
  it.each(anew)('asks again for %s', (_, change, code) => {
    expect(changes(change)).toContain(code);
  });

  it('asks again for a new identifier', () => {
    expect(changes(() => undefined, ['m1', 'm2'])).toEqual(['identifier-new']);
  });

  it.each(anew)('has another hash for %s', (_, change) => {
    expect(planHash(head(change), ['m1'])).not.toBe(planHash(head(), ['m1']));
  });

  it('has the same hash however the identifiers are ordered, and no name in it', () => {
    expect(planHash(head(), ['b', 'a'])).toBe(planHash(head(), ['a', 'b']));
    expect(
      planHash(
        head((plan) => (shop(plan).name = 'Renamed')),
        ['m1'],
      ),
    ).toBe(planHash(head(), ['m1']));
  });
});
