/** Calls of a spec about webhooks: people who decide, endpoints, and what was sent to them. */
import { expect } from '@jest/globals';
import type { TestAnswer, TestServer } from './test-server.js';

type Answer = TestAnswer['body'];

export interface WebhookCalls {
  /** A name that nobody had before. */
  somebody(): string;
  /** Records decisions of one person about `news` and resolves with that person's id. */
  decide(name: string, ...decisions: string[]): Promise<string>;
  endpoint(body: object): Promise<{ id: string; secret: string }>;
  operate(id: string, verb: string, body?: object): Promise<TestAnswer>;
  show(id: string): Promise<Answer>;
  deliveries(endpointId: string, more?: object): Promise<Answer[]>;
  /** Removes the endpoint, so that later tests do not send to it. */
  away(id: string): Promise<void>;
}

/** `now` tells the server once the spec has started it. */
export function webhookCalls(now: () => TestServer): WebhookCalls {
  let people = 0;
  const calls: WebhookCalls = {
    somebody: () => `person${(people += 1)}`,
    async decide(name, ...decisions) {
      const lethe = now();
      let subjectId = '';
      for (const decision of decisions) {
        const subject = { identifiers: [{ type: 'email', value: `${name}@example.test` }] };
        const body = {
          ...{ subject, decisions: [{ purpose: 'news', decision }], notice: { id: 'n', version: '1' } },
          ...{ method: 'form', collectedAt: lethe.clock.now().toISOString(), evidence: {} },
        };
        const answer = await lethe.post('/v1/consents', body, { as: 'system' });
        expect(answer.status).toBe(201);
        ({ subjectId } = answer.body);
      }
      return subjectId;
    },
    async endpoint(body) {
      const made = await now().post('/v1/webhook-endpoints', body, { as: 'admin' });
      expect([made.status, made.body.secret]).toEqual([201, expect.stringMatching(/^whsec_/)]);
      return made.body;
    },
    operate: (id, verb, body = {}) => now().post(`/v1/webhook-endpoints/${id}/${verb}`, body, { as: 'admin' }),
    show: async (id) => (await now().get(`/v1/webhook-endpoints/${id}`, { as: 'admin' })).body,
    deliveries: async (endpointId, more = {}) =>
      (await now().post('/v1/webhook-deliveries/search', { endpointId, ...more })).body.items,
    away: async (id) => expect((await calls.operate(id, 'remove')).status).toBe(200),
  };
  return calls;
}
