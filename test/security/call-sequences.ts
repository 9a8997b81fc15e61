/** Random sequences of valid calls: things are learnt from answers, and a small model knows what a consent check must say. */
import fc from 'fast-check';
import type { Json, JsonObject } from '#kernel';
import type { TestAnswer, TestServer } from '../support/test-server.js';
import { Known, type Step, type Who } from './known-things.js';
import { movesOfOffice } from './moves-of-office.js';
import { movesOfPeople } from './moves-of-people.js';
import { movesOfRequests } from './moves-of-requests.js';
import { movesOfSystems } from './moves-of-systems.js';
import { valueOf, type OpenApi, type Operation } from './openapi-inputs.js';

/** The same seed walks the same way. */
export function chanceOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    // mulberry32: any small generator with a known seed will do.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const moves = { ...movesOfPeople, ...movesOfRequests, ...movesOfOffice, ...movesOfSystems };
/** Start a process each: the short form makes few of them. */
const costly = /^(create|configure|upgrade|rollback)Connection$|^rotateConnectionSecret$/;
/** Of the many moves those that lead to the end of a request or a retention. */
const forward =
  /^(identifySubject|makePlan|(open|approve|read)Request|list(Request)?Tasks|complete(Request)?Task|claimTask|takeTaskRecords|confirmApiKey|declareInbox|clearQuarantine|(check|enable)Connection|\w+RequestTarget\w*|\w+Retention(Policy|Plan))$/;
const people: Who[] = ['officer', 'officer2', 'admin', 'auditor', 'system'];

/** What came of a route: how often it was asked and answered with success, and the last refusal. */
export interface Asked {
  asked: number;
  taken: number;
  refusal: string;
}

/** The routes that are walked, and what came of each. */
export class Routes {
  private readonly told = new Map<string, Asked>();
  readonly statuses = new Map<number, number>();
  calls = 0;
  slowest = { ms: 0, name: '' };

  constructor(
    readonly all: readonly Operation[],
    readonly mayCall: (who: Who, operation: Operation) => boolean,
  ) {
    for (const { operationId } of all) this.told.set(operationId, { asked: 0, taken: 0, refusal: '' });
  }

  of({ operationId }: Operation): Asked {
    return this.told.get(operationId)!;
  }

  named(name: string): Operation {
    return this.all.find(({ operationId }) => operationId === name)!;
  }

  count(operation: Operation, { status, body }: TestAnswer, ms: number): void {
    const told = this.of(operation);
    this.calls += 1;
    told.asked += 1;
    if (status < 300) told.taken += 1;
    else told.refusal = `${status} ${body?.code}`;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (ms > this.slowest.ms) this.slowest = { ms, name: operation.operationId };
  }

  /** A line for each of them, or for those that never succeeded: successes of calls, and the last refusal. */
  list(only: 'all' | 'never'): string[] {
    return [...this.told].flatMap(([name, { asked, taken, refusal }]) =>
      only === 'all' || taken === 0 ? [`${name} ${taken}/${asked} ${refusal}`] : [],
    );
  }
}

/** One walk over the API in several roles. */
export class Walk {
  readonly wrong: string[] = [];
  private readonly permitted = new Map<string, boolean>();
  private readonly touched = new Set<string>();
  private readonly histories = new Map<string, string[]>();
  private size = 0;

  constructor(
    private readonly lethe: TestServer,
    private readonly document: OpenApi,
    private readonly routes: Routes,
    private readonly known: Known,
    private readonly seed: number,
    /** Of each costly move. */
    private readonly most: number,
  ) {}

  private readonly chance = chanceOf(this.seed);
  private pick<T>(from: readonly T[]): T {
    return from[this.chance(from.length)]!;
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps && this.wrong.length === 0; step++) {
      const kind = this.chance(10);
      if (kind < 7) await this.move();
      else if (kind < 8) await this.anything(step);
      else if (kind < 9) await this.decide();
      else await (this.chance(2) === 0 ? this.check() : this.grows());
      // What was begun goes on by the clock.
      this.lethe.clock.advance(200);
      this.wrong.push(...this.known.lost);
    }
  }

  /** A call that should work now: one that was asked least often so far, one that brings a request on, or any. */
  private async move(): Promise<void> {
    const ready = this.routes.all.flatMap((operation) => {
      const { asked, taken } = this.routes.of(operation);
      if (taken >= this.most && costly.test(operation.operationId)) return [];
      const step = moves[operation.operationId]?.(this.known);
      return step ? [{ operation, step, asked }] : [];
    });
    const least = Math.min(...ready.map(({ asked }) => asked));
    const rare = ready.filter(({ asked }) => asked === least);
    const onTheWay = ready.filter(({ operation }) => forward.test(operation.operationId));
    const { operation, step } = this.pick(this.pick(onTheWay.length > 0 ? [rare, onTheWay, ready] : [rare, ready]));
    const caller = step.key === undefined ? { as: step.as ?? 'officer' } : { key: step.key };
    const refused = await this.take(operation, step, step.body ?? {}, caller);
    if (refused) step.otherwise?.();
  }

  /** Any route with a body that its schema takes, a part of it as somebody would write it, mostly by somebody who may. */
  private async anything(step: number): Promise<void> {
    const operation = this.pick(this.routes.all);
    const good = moves[operation.operationId]?.(this.known) ?? {};
    const allowed = people.filter((who) => this.routes.mayCall(who, operation));
    const who = allowed.length > 0 && this.chance(5) > 0 ? this.pick(allowed) : this.pick(people);
    const [body] = fc.sample(valueOf(this.document, operation.body), { numRuns: 1, seed: this.seed + step });
    const kept = Object.entries((good.body ?? {}) as JsonObject).filter(() => this.chance(3) > 0);
    const mixed = typeof body === 'object' ? { ...body, ...Object.fromEntries(kept) } : (body ?? null);
    const key = good.key !== undefined && this.chance(2) === 0 ? { key: good.key } : {};
    await this.take(operation, good, mixed, { as: who, ...key });
  }

  private async take(
    operation: Operation,
    step: Step,
    body: Json,
    caller: { as?: Who; key?: string },
  ): Promise<boolean> {
    let at = -1;
    const path = operation.path.replaceAll(/\{\w+\}/g, (_, name: string) => {
      const given = step.path?.[(at += 1)];
      return given ?? (/position|level|^n$/.test(name) ? '0' : '00000000-0000-7000-8000-000000000000');
    });
    // A long poll waits for what may never come.
    const waits = operation.parameters.some(({ name }) => name === 'wait') ? '?wait=0' : '';
    const answer = await this.send(operation, path + (step.query ?? waits), body, caller);
    if (answer.status < 300) step.learn?.(answer.body);
    return answer.status >= 300;
  }

  private person(): { identifiers: { type: string; value: string }[] } {
    return { identifiers: [{ type: 'email', value: `walker-${this.seed}-${this.chance(4)}@example.test` }] };
  }

  /** A decision on a purpose of the model; from then on a check must agree with it. */
  private async decide(): Promise<void> {
    const subject = this.person();
    const decision = this.pick(['given', 'refused', 'withdrawn'] as const);
    const body = {
      ...{ subject, decisions: [{ purpose: 'walking', decision }], notice: { id: 'walk', version: '1' } },
      ...{ method: 'walk', collectedAt: this.lethe.clock.now().toISOString(), evidence: {} },
    };
    const answer = await this.call('recordConsent', [], body, 'system');
    this.lethe.clock.advance(1000);
    if (answer.status !== 201) {
      if (answer.status < 500) this.wrong.push(`a valid decision was refused: ${answer.status} ${answer.body.code}`);
      return;
    }
    this.permitted.set(subject.identifiers[0]!.value, decision === 'given');
    this.touched.add(answer.body.subjectId);
  }

  private async check(): Promise<void> {
    const subject = this.person();
    const who = this.pick(['system', 'officer'] as const);
    const { body, status } = await this.call('checkConsent', [], { subject, purpose: 'walking' }, who);
    const must = this.permitted.get(subject.identifiers[0]!.value) === true ? 'permit' : 'deny';
    if (status !== 200 || body.decision !== must)
      this.wrong.push(`a check says ${status} ${body.decision}, the model says ${must}`);
  }

  /** What was recorded stays, in its order; the ledger never shrinks. */
  private async grows(): Promise<void> {
    const ledger = await this.call('showLedger', [], null, 'auditor');
    if (ledger.status === 200 && ledger.body.size < this.size) this.wrong.push('the ledger has shrunk');
    this.size = Math.max(this.size, Number(ledger.body.size ?? 0));
    const subject = this.pick([...this.touched, '']);
    if (subject === '') return;
    const { status, body } = await this.call('listConsentHistory', [subject], null, 'officer', '?limit=500');
    if (status !== 200) return;
    const now = (body.items as { id: string }[]).map((one) => one.id);
    const before = this.histories.get(subject) ?? [];
    const missing = before.filter((id) => !now.includes(id));
    if (missing.length > 0) this.wrong.push(`${missing.length} of ${before.length} records left the history`);
    this.histories.set(subject, now);
  }

  private call(name: string, path: string[], body: Json, as: Who, query = ''): Promise<TestAnswer> {
    const operation = this.routes.named(name);
    return this.send(operation, operation.path.replace(/\{\w+\}/, path[0] ?? '') + query, body, { as });
  }

  private async send(
    operation: Operation,
    path: string,
    body: Json,
    call: { as?: Who; key?: string },
  ): Promise<TestAnswer> {
    const { method } = operation;
    const began = performance.now();
    const answer = await (method === 'GET'
      ? this.lethe.get(path, call)
      : method === 'PUT'
        ? this.lethe.put(path, body, call)
        : this.lethe.post(path, body, call));
    this.routes.count(operation, answer, performance.now() - began);
    if (answer.status >= 500)
      this.wrong.push(`${method} ${path} as ${call.as}: ${answer.status} <- ${JSON.stringify(body)?.slice(0, 300)}`);
    return answer;
  }
}
