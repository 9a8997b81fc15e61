/** Acceptance 5 over HTTP: the service is killed under 8 writers, and every consent it acknowledged is still there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServiceProcess } from '../support/service-process.js';

const KILLS = process.env['LETHE_TEST_LONG'] === '1' ? 10 : 3;
const WRITERS = 8;
const UNDER_LOAD_MS = 500;

let service: ServiceProcess;
const acknowledged: string[] = [];
let stop = false;

beforeAll(async () => {
  service = await ServiceProcess.prepare();
  await service.start();
  await service.put('/v1/purposes/news', { name: 'News', legalBasis: 'consent', model: 'opt-in' });
  await service.post('/v1/notices', { id: 'n', version: '1', language: 'en', text: 'News.', purposes: ['news'] });
}, 60_000);
afterAll(() => service.close());

/** Records consents of new people one after another; a call without an answer is not acknowledged. */
async function write(writer: number): Promise<void> {
  for (let turn = 0; !stop; turn++) {
    const identifiers = [{ type: 'email', value: `w${writer}-${turn}@example.test` }];
    const decisions = [{ purpose: 'news', decision: 'given' }];
    const notice = { id: 'n', version: '1' };
    const body = { subject: { identifiers }, decisions, notice, method: 'form', collectedAt: new Date(), evidence: {} };
    const answer = await service.post('/v1/consents', body, { as: 'system' }).catch(() => undefined);
    if (answer?.status === 201) acknowledged.push(answer.body.records[0].id);
    else await sleep(20);
  }
}

/** Acknowledged ids that the service does not know. */
async function lost(ids: string[]): Promise<string[]> {
  const missing: string[] = [];
  const rest = [...ids];
  const look = async (): Promise<void> => {
    for (let id = rest.pop(); id !== undefined; id = rest.pop())
      if ((await service.get(`/v1/consents/${id}/receipt`)).status !== 200) missing.push(id);
  };
  await Promise.all(Array.from({ length: WRITERS }, look));
  return missing;
}

describe('the service, killed under eight writers', () => {
  it(`${KILLS} times, loses no consent that it acknowledged`, async () => {
    const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
    for (let kill = 0; kill < KILLS; kill++) {
      const before = acknowledged.length;
      await sleep(UNDER_LOAD_MS);
      await service.end('SIGKILL');
      expect(acknowledged.length).toBeGreaterThan(before);
      await service.start();
    }
    stop = true;
    await Promise.all(writers);
    expect(await lost(acknowledged)).toEqual([]);
    const never = '00000000-0000-7000-8000-000000000000';
    expect(await lost([never])).toEqual([never]);
  }, 180_000);
});
