/** What is refused first, and what never. */
import { describe, expect, it } from '@jest/globals';
import { demandOf, DEMANDS, levelOf } from './load-shedding.js';

const withdrawal = { decisions: [{ purpose: 'news', decision: 'withdrawn' }] };
const given = { decisions: [{ purpose: 'news', decision: 'given' }] };

describe('load shedding', () => {
  it('refuses in the order access log, batches, requests, checks; stops have no level', () => {
    expect(levelOf({ delayMs: 0, queued: 0 })).toBe(0);
    const levels = [80, 160, 320, 1_000, 60_000].map((delayMs) => levelOf({ delayMs, queued: 0 }));
    expect(levels).toEqual([1, 2, 3, 4, 4]);
    expect([2_000, 5_000, 10_000, 16_000].map((queued) => levelOf({ delayMs: 0, queued }))).toEqual([1, 2, 3, 4]);
    expect(DEMANDS.indexOf('stops')).toBe(4);
  });

  it.each([
    ['POST', '/v1/access-log/entries', undefined, 'access-log'],
    ['POST', '/v1/consents/check-batch', undefined, 'batches'],
    ['POST', '/v1/requests/search', undefined, 'batches'],
    ['POST', '/v1/consents/check', undefined, 'checks'],
    ['POST', '/v1/consents', undefined, undefined],
    ['POST', '/v1/consents', given, 'checks'],
    ['POST', '/v1/consents', withdrawal, 'stops'],
    ['POST', '/v1/requests', { type: 'erasure' }, 'requests'],
    ['POST', '/v1/requests', { type: 'opt-out' }, 'stops'],
    ['GET', '/v1/requests/:id', undefined, 'requests'],
  ])('%s %s %j is of class %s', (method, route, body, demand) => {
    expect(demandOf(method, route, body)).toBe(demand);
  });
});
