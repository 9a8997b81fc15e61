/** Random histories over HTTP, with a clock that moves and tokens of the last write: every check agrees with the model. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import fc from 'fast-check';
import type { SubjectId } from '#kernel';
import { LiftRestriction, RestrictSubject } from '#subjects';
import { issueFirstKeys } from '../../apps/server/src/bootstrap-tenant.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { expectedAnswer, type ModelPurpose, type ModelRecord } from './consent-model.js';

const HISTORIES = process.env['LETHE_TEST_LONG'] === '1' ? 1000 : 30;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const MINUTE = 60_000;
const DAY = 1440;
const START = Date.UTC(2026, 2, 1);
/** A thousand histories take some fifteen years; their caller's key outlives them. */
const KEY_DAYS = 36_500;

const purposes: Record<string, ModelPurpose & { lifetimeDays?: number }> = {
  news: { basis: 'consent', model: 'opt-in', channels: ['email', 'sms'], lifetimeDays: 10 },
  sale: { basis: 'consent', model: 'opt-out', channels: undefined },
  insight: { basis: 'legitimate-interest', model: 'opt-in', channels: undefined },
  census: { basis: 'public-task', model: 'opt-in', channels: undefined },
  parcels: { basis: 'contract', model: 'opt-in', channels: undefined },
  taxes: { basis: 'legal-obligation', model: 'opt-in', channels: undefined },
};
const decidable = ['news', 'sale', 'insight', 'census'];

const action = fc.record({
  kind: fc.constantFrom('decide', 'decide', 'decide', 'decide', 'restrict', 'lift', 'publish'),
  purpose: fc.constantFrom(...decidable),
  decision: fc.constantFrom<ModelRecord['decision']>('given', 'given', 'refused', 'withdrawn'),
  channel: fc.constantFrom(null, null, 'email', 'sms'),
  imported: fc.boolean(),
  pause: fc.constantFrom(1, 7, DAY, 4 * DAY),
  skew: fc.constantFrom(-4 * DAY, -60, -7, -1, 0, 3, 5),
});
const question = fc.record({
  purpose: fc.constantFrom(...Object.keys(purposes)),
  channel: fc.constantFrom(undefined, 'email', 'sms'),
  at: fc.option(fc.integer({ min: -6 * DAY, max: 30 * DAY }), { freq: 2, nil: undefined }),
  asOf: fc.option(fc.integer({ min: -DAY, max: 30 * DAY }), { freq: 2, nil: undefined }),
});
const history = fc.record({
  actions: fc.array(action, { minLength: 1, maxLength: 8 }),
  questions: fc.array(question, { minLength: 12, maxLength: 12 }),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

describe('a consent history over HTTP', () => {
  let lethe: TestServer;
  let notices = 0;
  const iso = (minute: number): string => new Date(START + minute * MINUTE).toISOString();
  const now = (): number => (lethe.clock.now().getTime() - START) / MINUTE;

  const publish = async (): Promise<void> => {
    notices += 1;
    const text = `Version ${notices}.`;
    const notice = { id: 'terms', version: String(notices), language: 'en', text, purposes: decidable };
    expect((await lethe.post('/v1/notices', notice)).status).toBe(201);
  };

  beforeAll(async () => {
    lethe = await startTestServer({ now: new Date(START) });
    lethe.tenant.keys = await issueFirstKeys(lethe.server.app, lethe.tenant.tenant, KEY_DAYS);
    for (const [id, { basis, model, channels, lifetimeDays }] of Object.entries(purposes)) {
      const definition = {
        name: id,
        legalBasis: basis,
        model,
        channels,
        validity: lifetimeDays && `P${lifetimeDays}D`,
      };
      expect((await lethe.put(`/v1/purposes/${id}`, definition, { as: 'admin' })).status).toBe(200);
    }
    await publish();
  });
  afterAll(() => lethe.close());

  /** What happened to one person so far, as the model keeps it. */
  class Person {
    readonly records = new Map<string, ModelRecord[]>();
    readonly restrictions: { id: string; from: number; until: number }[] = [];
    subjectId: SubjectId | undefined;
    token: string | undefined;
    readonly subject: object;

    constructor(number: number) {
      this.subject = { identifiers: [{ type: 'email', value: `person-${number}@example.test` }] };
    }

    restrictedAt({ at, asOf }: { at: number | undefined; asOf: number | undefined }): boolean {
      const instant = Math.min(at ?? now(), asOf ?? now());
      return this.restrictions.some(({ from, until }) => from <= instant && instant < until);
    }
  }

  const decide = async (person: Person, one: History['actions'][number]): Promise<void> => {
    const collected = now() + one.skew;
    const body = {
      subject: person.subject,
      decisions: [{ purpose: one.purpose, decision: one.decision, ...(one.channel ? { channel: one.channel } : {}) }],
      notice: { id: 'terms', version: String(notices) },
      method: 'form',
      collectedAt: iso(collected),
      evidence: {},
      origin: one.imported ? 'import' : 'live',
    };
    const { status, body: answer } = await lethe.post('/v1/consents', body, { as: 'system' });
    expect(status).toBe(201);
    person.subjectId = answer.subjectId;
    person.token = answer.token;
    const days = purposes[one.purpose]?.lifetimeDays;
    const expires = one.decision === 'given' && days !== undefined ? collected + days * DAY : null;
    const { decision, channel, imported } = one;
    const kept = person.records.get(one.purpose) ?? [];
    person.records.set(one.purpose, [
      ...kept,
      { decision, channel, collected, recorded: now(), position: answer.position, imported, expires },
    ]);
  };

  const act = async (person: Person, one: History['actions'][number]): Promise<void> => {
    lethe.clock.advance(one.pause * MINUTE);
    if (one.kind === 'decide') return decide(person, one);
    if (one.kind === 'publish') return publish();
    if (!person.subjectId) return;
    const by = { tenant: lethe.tenant.tenant.id, actorRef: 'test' };
    const commands = lethe.server.app.get(CommandBus);
    const open = person.restrictions.find(({ until }) => until === Infinity);
    if (one.kind === 'restrict') {
      const { restrictionId } = await commands.execute(new RestrictSubject(by, person.subjectId, 'accuracy-contested'));
      person.restrictions.push({ id: restrictionId, from: now(), until: Infinity });
    } else if (open) {
      await commands.execute(new LiftRestriction(by, person.subjectId, open.id, lethe.clock.now()));
      open.until = now();
    }
    const { logId, epoch, size } = await lethe.server.parts.store.head(by.tenant);
    person.token = `${logId}.${epoch}.${size - 1}`;
  };

  const ask = async (person: Person, one: History['questions'][number]): Promise<string | undefined> => {
    const body = {
      ...{ subject: person.subject, purpose: one.purpose, channel: one.channel, atLeast: person.token },
      ...{
        at: one.at === undefined ? undefined : iso(one.at),
        asOf: one.asOf === undefined ? undefined : iso(one.asOf),
      },
    };
    const { status, body: answer } = await lethe.post('/v1/consents/check', body, { as: 'system' });
    const records = person.records.get(one.purpose) ?? [];
    const unknown = person.subjectId === undefined;
    const expected = unknown
      ? { permit: false, state: 'never-asked' }
      : expectedAnswer(purposes[one.purpose]!, records, { ...one, now: now(), restricted: person.restrictedAt(one) });
    const state = ['refused', 'withdrawn'].includes(answer.state) ? 'stopped' : answer.state;
    if (status === 200 && (answer.decision === 'permit') === expected.permit && state === expected.state)
      return undefined;
    return JSON.stringify({ one, now: now(), records, restrictions: person.restrictions, expected, answer });
  };

  it(`agrees with the model in ${HISTORIES} of them, seed ${SEED}`, async () => {
    const wrong: string[] = [];
    for (const [number, { actions, questions }] of fc.sample(history, { numRuns: HISTORIES, seed: SEED }).entries()) {
      const person = new Person(number);
      // The model counts minutes from the start of each history.
      lethe.clock.set(new Date(Math.ceil(lethe.clock.now().getTime() / MINUTE) * MINUTE));
      const begin = now();
      for (const [index, one] of actions.entries()) {
        await act(person, one);
        const asked = questions.slice(index, index + 5).map((ques) => ({
          ...ques,
          at: ques.at === undefined ? undefined : ques.at + begin,
          asOf: ques.asOf === undefined ? undefined : ques.asOf + begin,
        }));
        const answers = await Promise.all(asked.map((ques) => ask(person, ques)));
        wrong.push(...answers.filter((said) => said !== undefined));
      }
    }
    expect(wrong.slice(0, 3)).toEqual([]);
  }, 600_000);
});
