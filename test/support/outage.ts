/** Callers of a service while its database is broken: what they were told, how soon, and when it was well again. */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestAnswer, TestServer } from './test-server.js';

/** One call and its answer; `status` 0 when the connection broke. */
export interface Told {
  status: number;
  code: string;
  retryAfter: string | null;
  tookMs: number;
}

/** A consent of a new person under a key of its own, so that it can be repeated. */
export interface Attempt {
  key: string;
  body: Record<string, unknown>;
}

export const purpose = { name: 'News', legalBasis: 'consent', model: 'opt-in' };
export const notice = { id: 'n', version: '1', language: 'en', text: 'News.', purposes: ['news'] };

/** Declares what `attempt` records. */
export async function declare(lethe: Pick<TestServer, 'put' | 'post'>): Promise<void> {
  await lethe.put('/v1/purposes/news', purpose);
  await lethe.post('/v1/notices', notice);
}

export function attempt(): Attempt {
  const key = randomBytes(12).toString('hex');
  const subject = { identifiers: [{ type: 'email', value: `${key}@example.test` }] };
  const decisions = [{ purpose: 'news', decision: 'given' }];
  const shown = { id: notice.id, version: notice.version };
  return {
    key,
    body: { subject, decisions, notice: shown, method: 'form', collectedAt: new Date().toISOString(), evidence: {} },
  };
}

export function record(lethe: Pick<TestServer, 'post'>, { key, body }: Attempt): Promise<TestAnswer> {
  return lethe.post('/v1/consents', body, { as: 'system', headers: { 'idempotency-key': key } });
}

export function check(lethe: Pick<TestServer, 'post'>, { body }: Attempt): Promise<TestAnswer> {
  return lethe.post('/v1/consents/check', { subject: body['subject'], purpose: 'news' }, { as: 'system' });
}

/** Makes the call and measures it. */
export async function told(call: () => Promise<TestAnswer>): Promise<Told> {
  const started = performance.now();
  const answer = await call().catch(() => undefined);
  const tookMs = performance.now() - started;
  if (!answer) return { status: 0, code: 'no-answer', retryAfter: null, tookMs };
  const { status, headers, body } = answer;
  return { status, code: (body as { code?: string }).code ?? '', retryAfter: headers.get('retry-after'), tookMs };
}

/** Milliseconds until the call succeeds, asked every 20 ms. */
export async function untilWell(call: () => Promise<TestAnswer>, patienceMs = 120_000): Promise<number> {
  const started = performance.now();
  while (performance.now() - started < patienceMs) {
    const { status } = await told(call);
    if (status >= 200 && status < 300) return performance.now() - started;
    await sleep(20);
  }
  throw new Error('the service did not heal');
}

/**
 * The quickest of five answers of a service that knows of its trouble. Whoever still waited for the database would wait
 * for it in every one of them; a machine that is busy is not that slow five times.
 */
export async function knownRefusal(call: () => Promise<TestAnswer>): Promise<Told> {
  const answers: Told[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    answers.push(await told(call));
    if (answers.at(-1)!.tookMs < 1_000) break;
  }
  const odd = answers.find(({ status }) => status !== 503);
  return odd ?? answers.reduce((best, one) => (one.tookMs < best.tookMs ? one : best));
}

/** Least, median and most, in whole milliseconds. */
export function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b).map(Math.round);
  return `${sorted[0]} / ${sorted[sorted.length >> 1]} / ${sorted.at(-1)} ms (least / median / most of ${sorted.length})`;
}
