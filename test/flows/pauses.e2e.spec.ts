/** A clock that stands still while the person is asked (UK GDPR 12A(5)): the due day moves with it, in the request and in the list. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const DAY = 86_400_000;

let lethe: TestServer;
beforeAll(async () => {
  lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z'), territory: 'GB-ENG' });
}, 60_000);
afterAll(() => lethe.close());

const turn = (id: string, verb: 'pause' | 'resume', body: object): Promise<TestAnswer> =>
  lethe.post(`/v1/requests/${id}/${verb}`, body);
const codeOf = ({ status, body }: TestAnswer): [number, string] => [status, body.code];
const clarification = { regime: 'uk-gdpr', reason: 'clarification' };

async function open(type: string, name: string): Promise<string> {
  const subject = { identifiers: [{ type: 'email', value: `${name}@example.test` }] };
  const opened = await lethe.post('/v1/requests', { type, regimes: ['uk-gdpr'], subject, channel: 'mail' });
  expect(opened.status).toBe(201);
  return opened.body.id;
}

const dueOn = async (id: string): Promise<string> => (await lethe.get(`/v1/requests/${id}`)).body.dueOn;

describe('a request whose clock is paused', () => {
  it('is due later by every day it stood still, goes on when it is resumed, and says so', async () => {
    const [id, other] = [await open('access', 'paula'), await open('access', 'petra')];
    expect([await dueOn(id), await dueOn(other)]).toEqual(['2026-12-02', '2026-12-02']);
    lethe.clock.advance(8 * DAY);
    const early = await turn(id, 'resume', { regime: 'uk-gdpr' });
    expect(codeOf(early)).toEqual([409, 'request-not-ready']);
    expect(early.body).toMatchObject({ status: 409, requestStatus: 'identifying' });
    expect((await turn(id, 'pause', clarification)).status).toBe(200);
    expect(codeOf(await turn(id, 'pause', clarification))).toEqual([409, 'request-not-ready']);
    // From the day asked to the day answered: 10 to 16 November are seven days, 10 to 19 are ten.
    lethe.clock.advance(6 * DAY);
    expect(await dueOn(id)).toBe('2026-12-09');
    lethe.clock.advance(3 * DAY);
    expect((await turn(id, 'resume', { regime: 'uk-gdpr' })).status).toBe(200);
    lethe.clock.advance(DAY);
    // 12 December is a Saturday. Whom nobody asked is answered as before.
    expect([await dueOn(id), await dueOn(other)]).toEqual(['2026-12-14', '2026-12-02']);
    const { body } = await lethe.get(`/v1/requests/${id}`);
    expect(body.paused).toEqual([{ regime: 'uk-gdpr', from: '2026-11-10', to: '2026-11-19' }]);
    await until('the list says the same', async () => {
      const { items } = (await lethe.post('/v1/requests/search', {})).body;
      return items.find((one: { id: string }) => one.id === id)?.dueOn === '2026-12-14';
    });
  });

  it('is no erasure, whose row knows no pause, and none of another regime', async () => {
    const id = await open('erasure', 'pia');
    expect(codeOf(await turn(id, 'pause', clarification))).toEqual([422, 'pause-not-allowed-by-regime']);
    const other = { ...clarification, regime: 'eu-gdpr' };
    expect(codeOf(await turn(id, 'pause', other))).toEqual([422, 'regime-not-of-request']);
    expect((await lethe.get(`/v1/requests/${id}`)).body.paused).toEqual([]);
  });
});
