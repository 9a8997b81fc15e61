/** The consent check agrees with an independent model over random histories; planted wrong rules are caught by the same runs. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { legalBases, verdictOf, verdictUnder, type ConsentRecord, type Purpose } from '#consent';
import { expectedAnswer, type ModelPurpose, type ModelQuestion, type ModelRecord } from './consent-model.js';

const RUNS = process.env['LETHE_TEST_LONG'] === '1' ? 300_000 : 15_000;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

const iso = (minute: number): string => new Date(Date.UTC(2026, 0, 1) + minute * 60_000).toISOString();
const channels = ['email', 'sms'];
/** A short time line, so that ties and overlaps are common. */
const END = 24;

interface Step {
  decision: ModelRecord['decision'];
  channel: string | null;
  pause: number;
  imported: boolean;
  /** Minutes the client's clock is off, or how long ago an import was collected. */
  skew: number;
  lifetime: number | null;
}

const step: fc.Arbitrary<Step> = fc.record({
  decision: fc.constantFrom('given', 'given', 'refused', 'withdrawn'),
  channel: fc.constantFrom(null, null, ...channels),
  pause: fc.nat(4),
  imported: fc.boolean(),
  skew: fc.integer({ min: -12, max: 5 }),
  lifetime: fc.option(fc.integer({ min: 1, max: 15 }), { freq: 2, nil: null }),
});

/** Lays steps on the time line: positions and arrival times grow, collection times go anywhere. */
function historyOf(steps: readonly Step[]): ModelRecord[] {
  let recorded = 0;
  return steps.map(({ decision, channel, pause, imported, skew, lifetime }, position) => {
    recorded += pause;
    const collected = recorded + skew;
    const expires = decision === 'given' && lifetime !== null ? collected + lifetime : null;
    return { decision, channel, collected, recorded, position, imported, expires };
  });
}

function recordOf(record: ModelRecord): ConsentRecord {
  return {
    id: String(record.position),
    purpose: 'p',
    decision: record.decision,
    channel: record.channel,
    collectedAt: iso(record.collected),
    recordedAt: iso(record.recorded),
    position: record.position,
    imported: record.imported,
    expiresAt: record.expires === null ? null : iso(record.expires),
    notice: { id: 'n', version: String(record.position % 3) },
  };
}

const purpose: fc.Arbitrary<ModelPurpose> = fc.record({
  basis: fc.constantFrom(...legalBases),
  model: fc.constantFrom('opt-in', 'opt-out'),
  channels: fc.constantFrom(undefined, undefined, ['email', 'sms'], ['email']),
});

const scenario = fc
  .tuple(
    purpose,
    fc.array(step, { maxLength: 7 }).map(historyOf),
    fc.record({
      at: fc.option(fc.integer({ min: -14, max: END + 20 }), { nil: undefined }),
      asOf: fc.option(fc.integer({ min: -2, max: END + 5 }), { nil: undefined }),
      channel: fc.constantFrom(undefined, ...channels, 'phone'),
      restricted: fc.boolean(),
      later: fc.nat(15),
    }),
  )
  .map(([asked, records, { later, ...rest }]) => ({
    asked,
    records,
    question: { ...rest, now: (records.at(-1)?.recorded ?? 0) + later } satisfies ModelQuestion,
  }));

type Rule = typeof verdictOf;
type Scenario = { asked: ModelPurpose; records: ModelRecord[]; question: ModelQuestion };

/** The same questions about somebody who came back after a promise. */
const comesBack = fc
  .tuple(scenario, fc.record({ before: fc.integer({ min: -12, max: END }), objected: fc.boolean() }))
  .map(([{ question, ...rest }, promise]) => ({ ...rest, question: { ...question, promise } }));
const keepingPromises =
  (under: typeof verdictUnder, change: (promise: Promised) => Promised = (promise) => promise): Judge =>
  (promise, ...rest) =>
    promise ? under(change(promise), ...rest) : verdictOf(...rest);
type Promised = Parameters<typeof verdictUnder>[0];
type Judge = (promise: Promised | undefined, ...rest: Parameters<Rule>) => ReturnType<Rule>;

/** Ways to break a promise. */
const brokenPromises: Record<string, Judge> = {
  'nobody asked for the mark': keepingPromises((_, ...rest) => verdictOf(...rest)),
  'an old yes counted': keepingPromises(verdictUnder, (promise) => ({ ...promise, before: iso(-100) })),
  'a new yes did not count': keepingPromises(verdictUnder, (promise) => ({ ...promise, before: iso(100) })),
  'silence of somebody who objected permitted': keepingPromises(verdictUnder, (promise) => ({
    ...promise,
    objected: false,
  })),
  'an erasure counted as an objection': keepingPromises(verdictUnder, (promise) => ({ ...promise, objected: true })),
};

/** True when the rule answers as the model does. */
function agrees(rule: Rule, one: Scenario): boolean {
  return judgesRight((_, ...rest) => rule(...rest), one);
}

function judgesRight(judge: Judge, { asked, records, question }: Scenario): boolean {
  const definition: Purpose = {
    id: 'p',
    name: 'p',
    legalBasis: asked.basis,
    model: asked.model,
    ...(asked.channels ? { channels: asked.channels } : {}),
  };
  const promise = question.promise && { ...question.promise, before: iso(question.promise.before) };
  const { decision, state } = judge(
    ...([promise, definition, records.map(recordOf), question.restricted, question.channel] as const),
    {
      now: iso(question.now),
      at: question.at === undefined ? undefined : iso(question.at),
      asOf: question.asOf === undefined ? undefined : iso(question.asOf),
    },
  );
  const expected = expectedAnswer(asked, records, question);
  const said = state === 'refused' || state === 'withdrawn' ? 'stopped' : state;
  return (decision === 'permit') === expected.permit && said === expected.state;
}

/** Rules that somebody could write by mistake. */
const wrongRules: Record<string, Rule> = {
  'a slow clock undoes a withdrawal': (p, records, ...rest) =>
    verdictOf(
      p,
      records.map((one) => ({ ...one, imported: true })),
      ...rest,
    ),
  'imports count by arrival': (p, records, ...rest) =>
    verdictOf(
      p,
      records.map((one) => ({ ...one, collectedAt: one.recordedAt })),
      ...rest,
    ),
  'imports count as live': (p, records, ...rest) =>
    verdictOf(
      p,
      records.map((one) => ({ ...one, imported: false })),
      ...rest,
    ),
  'a fast clock is believed': (p, records, ...rest) =>
    verdictOf(
      p,
      records.map((one) => ({
        ...one,
        recordedAt: one.collectedAt > one.recordedAt ? one.collectedAt : one.recordedAt,
      })),
      ...rest,
    ),
  'nothing expires': (p, records, ...rest) =>
    verdictOf(
      p,
      records.map((one) => ({ ...one, expiresAt: null })),
      ...rest,
    ),
  'channels do not matter': (p, records, ...rest) =>
    verdictOf(
      p,
      records.map((one) => ({ ...one, channel: null })),
      ...rest,
    ),
  'restriction is forgotten': (p, records, _restricted, ...rest) => verdictOf(p, records, false, ...rest),
  'restriction stops even own consent': (p, records, restricted, channel, moment) => {
    const verdict = verdictOf(p, records, restricted, channel, moment);
    return restricted ? { ...verdict, decision: 'deny' } : verdict;
  },
  'the time asked about is forgotten': (p, records, restricted, channel, { now, asOf }) =>
    verdictOf(p, records, restricted, channel, { now, asOf }),
  'what was known then is forgotten': (p, records, restricted, channel, { now, at }) =>
    verdictOf(p, records, restricted, channel, { now, at }),
  'opt-out asks for consent': (p, ...rest) => verdictOf({ ...p, model: 'opt-in' }, ...rest),
  'a refusal is no stop': (p, records, ...rest) =>
    verdictOf(
      p,
      records.filter((one) => one.decision !== 'refused'),
      ...rest,
    ),
  'an objection is not heard': (p, records, ...rest) =>
    verdictOf(p, p.legalBasis === 'legitimate-interest' ? [] : records, ...rest),
  'a contract can be withdrawn': (p, ...rest) =>
    verdictOf(p.legalBasis === 'contract' ? { ...p, legalBasis: 'legitimate-interest' } : p, ...rest),
  'any channel will do': (p, records, restricted, channel, moment) =>
    verdictOf({ ...p, channels: undefined } as never, records, restricted, channel, moment),
  'the newest yes wins a tie': (p, records, ...rest) =>
    verdictOf(
      p,
      records.filter(
        (one) =>
          !(
            one.decision !== 'given' &&
            records.some(
              (other) =>
                other.decision === 'given' && other.collectedAt === one.collectedAt && other.position > one.position,
            )
          ),
      ),
      ...rest,
    ),
};

describe('the consent check', () => {
  it(`answers as the rules say in ${RUNS} random histories, seed ${SEED}`, () => {
    fc.assert(
      fc.property(scenario, (one) => agrees(verdictOf, one)),
      { numRuns: RUNS, seed: SEED, verbose: 0 },
    );
  });

  it.each(Object.entries(wrongRules))('would be caught if %s', (_, rule) => {
    const { failed } = fc.check(
      fc.property(scenario, (one) => agrees(rule, one)),
      { numRuns: 15_000, seed: SEED },
    );
    expect(failed).toBe(true);
  });

  it(`keeps what was promised in ${RUNS} random histories, seed ${SEED}`, () => {
    fc.assert(
      fc.property(comesBack, (one) => judgesRight(keepingPromises(verdictUnder), one)),
      { numRuns: RUNS, seed: SEED, verbose: 0 },
    );
  });

  it.each(Object.entries(brokenPromises))('would be caught if %s', (_, judge) => {
    const { failed } = fc.check(
      fc.property(comesBack, (one) => judgesRight(judge, one)),
      { numRuns: 15_000, seed: SEED },
    );
    expect(failed).toBe(true);
  });

  it('is about cases that occur: every basis, every state, both answers', () => {
    const seen = new Set<string>();
    for (const { asked, records, question } of fc.sample(scenario, { numRuns: 3000, seed: SEED })) {
      const { permit, state } = expectedAnswer(asked, records, question);
      seen.add(`${asked.basis} ${state} ${permit}`);
    }
    expect(seen.size).toBeGreaterThan(30);
  });
});
