/** Random sequences of valid calls: ids are learnt from answers, and a small model knows what a consent check must say. */
import fc from 'fast-check';
import type { Json } from '#kernel';
import type { TestAnswer, TestServer } from '../support/test-server.js';
import { prefixesOf } from './foreign-calls.js';
import { valueOf, type OpenApi, type Operation } from './openapi-inputs.js';

type Body = TestAnswer['body'];
type Who = 'officer' | 'officer2' | 'admin' | 'auditor' | 'system';

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

const byName: Record<string, string> = {
  subjectId: '/v1/subjects',
  connectionId: '/v1/admin/connections',
  memberId: '/v1/admin/members',
  endpointId: '/v1/webhook-endpoints',
  planHash: 'planHash',
  hash: 'retentionHash',
};

/** One walk over the API in several roles. */
export class Walk {
  readonly wrong: string[] = [];
  readonly statuses = new Map<number, number>();
  readonly routes = new Map<string, number>();
  calls = 0;
  slowestMs = 0;
  private readonly ids = new Map<string, string[]>();
  private readonly permitted = new Map<string, boolean>();
  private readonly touched = new Set<string>();
  private readonly histories = new Map<string, string[]>();
  private size = 0;

  constructor(
    private readonly lethe: TestServer,
    private readonly document: OpenApi,
    private readonly operations: readonly Operation[],
    private readonly mayCall: (who: Who, operation: Operation) => boolean,
    private readonly seed: number,
  ) {}

  private readonly chance = chanceOf(this.seed);
  private pick<T>(from: readonly T[]): T {
    return from[this.chance(from.length)]!;
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps && this.wrong.length === 0; step++) {
      const kind = this.chance(10);
      if (kind < 4) await this.anything(step);
      else if (kind < 7) await this.decide();
      else if (kind < 9) await this.check();
      else await this.grows();
    }
  }

  /** Any route with a body its schema takes, mostly by somebody who may. */
  private async anything(step: number): Promise<void> {
    const operation = this.pick(this.operations);
    const people: Who[] = ['officer', 'officer2', 'admin', 'auditor', 'system'];
    const allowed = people.filter((who) => this.mayCall(who, operation));
    const who = allowed.length > 0 && this.chance(5) > 0 ? this.pick(allowed) : this.pick(people);
    const [body] = fc.sample(valueOf(this.document, operation.body), { numRuns: 1, seed: this.seed + step });
    const path = this.path(operation);
    const answer = await this.send(operation.method, path, this.known(body ?? null, ''), who, operation.operationId);
    if (answer.status < 300) this.learn(operation, path, answer.body);
  }

  private path(operation: Operation): string {
    let at = -1;
    const prefixes = prefixesOf(operation.path);
    const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const known = this.ids.get(prefixes[(at += 1)]!) ?? [];
      if (known.length > 0) return this.pick(known);
      return /position|level|^n$/.test(name) ? '0' : '00000000-0000-7000-8000-000000000000';
    });
    // A long poll waits for what may never come.
    const waits = operation.parameters.some(({ name }) => name === 'wait');
    return filled.includes('consistency') ? `${filled}?from=1&to=2` : waits ? `${filled}?wait=0` : filled;
  }

  /** Ids that were given before, where a name says what goes there. */
  private known(value: Json, name: string): Json {
    if (Array.isArray(value)) return value.map((one) => this.known(one, name));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.known(one, key)]));
    const ids = this.ids.get(byName[name] ?? '') ?? [];
    return typeof value === 'string' && ids.length > 0 ? this.pick(ids) : value;
  }

  private learn({ method, path: template }: Operation, path: string, body: Body): void {
    // Keys are not learnt: a walk that revokes its own goes nowhere.
    if (method !== 'GET' && typeof body?.id === 'string' && !template.includes('api-keys'))
      this.know(/\{\w+\}$/.test(template) ? template.replace(/\/\{\w+\}$/, '') : template, body.id);
    if (typeof body?.subjectId === 'string') this.know('/v1/subjects', body.subjectId);
    if (typeof body?.hash === 'string')
      this.know(template.startsWith('/v1/requests') ? 'planHash' : 'retentionHash', body.hash);
    if (template === '/v1/requests/{id}/tasks') for (const one of body.items) this.know('/v1/requests/*/tasks', one.id);
    if (template === '/v1/ledger') this.know('/v1/logs', body.logId);
    void path;
  }

  private know(prefix: string, id: string): void {
    const known = this.ids.get(prefix) ?? [];
    if (known.length < 20) this.ids.set(prefix, [...known, id]);
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
    const answer = await this.send('POST', '/v1/consents', body, 'system', 'recordConsent');
    this.lethe.clock.advance(1000);
    if (answer.status !== 201) {
      if (answer.status < 500) this.wrong.push(`a valid decision was refused: ${answer.status} ${answer.body.code}`);
      return;
    }
    this.know('/v1/subjects', answer.body.subjectId);
    this.know('/v1/consents', answer.body.records[0].id);
    this.permitted.set(subject.identifiers[0]!.value, decision === 'given');
    this.touched.add(answer.body.subjectId);
  }

  private async check(): Promise<void> {
    const subject = this.person();
    const who = this.pick(['system', 'officer'] as const);
    const { body, status } = await this.send(
      'POST',
      '/v1/consents/check',
      { subject, purpose: 'walking' },
      who,
      'checkConsent',
    );
    const must = this.permitted.get(subject.identifiers[0]!.value) === true ? 'permit' : 'deny';
    if (status !== 200 || body.decision !== must)
      this.wrong.push(`a check says ${status} ${body.decision}, the model says ${must}`);
  }

  /** What was recorded stays, in its order; the ledger never shrinks. */
  private async grows(): Promise<void> {
    const ledger = await this.send('GET', '/v1/ledger', null, 'auditor', 'showLedger');
    if (ledger.status === 200 && ledger.body.size < this.size) this.wrong.push('the ledger has shrunk');
    this.size = Math.max(this.size, Number(ledger.body.size ?? 0));
    const subject = this.pick([...this.touched, '']);
    if (subject === '') return;
    const { status, body } = await this.send(
      'GET',
      `/v1/subjects/${subject}/consents/history?limit=500`,
      null,
      'officer',
      'listConsentHistory',
    );
    if (status !== 200) return;
    const now = (body.items as { id: string }[]).map((one) => one.id);
    const before = this.histories.get(subject) ?? [];
    const missing = before.filter((id) => !now.includes(id));
    if (missing.length > 0) this.wrong.push(`${missing.length} of ${before.length} records left the history`);
    this.histories.set(subject, now);
  }

  private async send(method: string, path: string, body: Json, as: Who, name: string): Promise<TestAnswer> {
    const began = performance.now();
    const call = { as };
    const answer = await (method === 'GET'
      ? this.lethe.get(path, call)
      : method === 'PUT'
        ? this.lethe.put(path, body, call)
        : this.lethe.post(path, body, call));
    this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
    this.calls += 1;
    this.routes.set(name, (this.routes.get(name) ?? 0) + 1);
    this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
    const shed = answer.status === 503 && answer.headers.has('retry-after');
    if (answer.status >= 500 && !shed)
      this.wrong.push(`${method} ${path} as ${as}: ${answer.status} <- ${JSON.stringify(body)?.slice(0, 300)}`);
    return answer;
  }
}
