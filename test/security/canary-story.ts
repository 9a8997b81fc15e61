/** Every writing route once with a body that it takes: what the filling of a tenant leaves out. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { checkPassed, receiveTask, taskDone } from '@lethe/client';
import { installPlugin } from '../support/connect-plugin.js';
import type { Shop } from '../support/connected-shop.js';
import {
  approve,
  approveByTwo,
  byCustomer,
  byEmail,
  closed,
  openProven,
  planOf,
  requestWhen,
} from '../support/connected-systems.js';
import type { TestAnswer } from '../support/test-server.js';
import { until } from '../support/until.js';
import { PERSON, WORD, type PlantedCalls } from './canaries.js';
import { made, type Filled } from './filling.js';

type Answer = TestAnswer['body'];

const admin = { as: 'admin' } as const;
const officer2 = { as: 'officer2' } as const;
const system = { as: 'system' } as const;
/** Its letters are the canary's. */
const signingSecret = `whsec_${PERSON.repeat(3)}AA`;
const place = { legalEntity: 'Club e.V.', country: 'DE' };
const datasets = [
  {
    name: 'members',
    title: 'Members',
    fields: [{ name: 'email', identifier: { type: 'email', strength: 'identifying' } }],
  },
];

/** A system that is called, and never able: what it was sent beside the body, line by line. */
export interface Unable {
  endpoint: string;
  lines: string[];
  close(): void;
}

export async function startUnable(): Promise<Unable> {
  const lines: string[] = [];
  const server = createServer((request, response) => {
    lines.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
    void (async () => {
      const received = await receiveTask(
        { headers: request.headers, body: await buffer(request) },
        { secret: signingSecret },
      );
      const cannot = { dataset: 'members', kind: 'failed', retryable: false, code: 'broken' } as const;
      const { status, body } = await (received.kind === 'check' ? checkPassed() : taskDone({ outcomes: [cannot] }));
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...{ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/lethe`, lines },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What the story goes by: the tenant that was filled, and who hears of it. */
export interface Cast {
  api: PlantedCalls;
  dataDir: string;
  filled: Filled;
  shop: Shop;
  hook: string;
  unable: Unable;
}

/** Tells the story; plugins are started many times in a part of it, which the short form leaves out. */
export async function writeEverywhere(cast: Cast, long: boolean): Promise<void> {
  for (const part of [people, listeners, rules, courses, failingWork, inboxWork]) await part(cast);
  if (long) await connectionLife(cast);
}

const firstOf = ({ filled }: Cast, prefix: string): string => filled.ids.get(prefix)![0]!;
const aurora = { identifiers: [byEmail('aurora@example.test')] };
const decided = (decision: string): object => ({
  ...{ subject: aurora, decisions: [{ purpose: 'aurora-news', decision }], notice: { id: 'aurora', version: '1' } },
  ...{ method: 'form', collectedAt: new Date().toISOString(), evidence: { page: 'signup' } },
});

async function people(cast: Cast): Promise<void> {
  const { api } = cast;
  const asked = { subject: { identifiers: [byEmail(`${PERSON}.aurora@example.test`)] }, purpose: 'aurora-news' };
  await made(api.post('/v1/consents/check', asked, system));
  await made(api.post('/v1/consents/check-batch', { items: [{ ...asked, ref: 'first' }] }, system));
  const item = { ref: 'r', identifier: byEmail('aurora@example.test'), dataFrom: '2026-01-01T00:00:00Z' };
  await made(api.post('/v1/suppressions/check', { items: [item] }));
  await made(api.post('/v1/subjects/lookup', aurora));
  const twin = await made(
    api.post('/v1/consents', { ...decided('given'), subject: { identifiers: [byEmail('twin@example.test')] } }, system),
  );
  const subjectIds = [firstOf(cast, '/v1/subjects'), twin.subjectId];
  const { linkId } = await made(api.post('/v1/subjects/link', { subjectIds, method: 'attest' }));
  await made(api.post('/v1/subjects/unlink', { linkId, reason: 'mistake' }));
  const seen = { subject: aurora, actor: { type: 'employee', id: 'ada' }, source: 'desk', limit: 1 };
  await made(api.post('/v1/access-log/search', seen, { as: 'auditor' }));
  const member = firstOf(cast, '/v1/admin/members');
  await made(api.post(`/v1/admin/members/${member}/roles`, { roles: ['auditor', 'admin'] }, admin));
}

async function listeners(cast: Cast): Promise<void> {
  const { api, hook } = cast;
  const endpoint = await made(api.post('/v1/webhook-endpoints', { url: hook, description: 'Mailing' }, admin));
  const changed = { url: hook, description: 'Mailing of the shop', types: ['consent.given', 'consent.withdrawn'] };
  await made(api.put(`/v1/webhook-endpoints/${endpoint.id}`, changed, admin));
  await made(api.post(`/v1/webhook-endpoints/${endpoint.id}/rotate-secret`, { overlapHours: 1 }, admin));
  const wanted = { kind: 'system', label: 'reader', scopes: ['events:read', 'consents:check'] };
  const reader = await made(api.post('/v1/admin/api-keys', wanted, admin));
  const reads = { name: 'reader', purposes: ['aurora-news'], acknowledgeWithin: 'PT15M', channel: 'cursor' };
  await made(api.put('/v1/systems/reader', { ...reads, keyId: reader.id }, admin));
  await made(api.post('/v1/consents', decided('given'), system));
  const { records } = await made(api.post('/v1/consents', decided('withdrawn'), system));
  const page = await until('the reader hears of it', async () => {
    const read = await made(api.get('/v1/events?limit=100', { key: reader.key }));
    return read.items.length > 0 && read;
  });
  await made(api.post('/v1/events/ack', { cursor: page.next }, { key: reader.key }));
  const { position } = await until('it is to be obeyed', async () => {
    const { status, body } = await api.get(`/v1/propagations/${records[0].id}`);
    return status === 200 && body;
  });
  await made(api.post(`/v1/propagations/${position}/systems/same-name/settle`, { proof: 'Seen in the system.' }));
}

/** The shipped connector once more, under the next version. */
function plantNewer(dataDir: string): void {
  const folder = join(dataDir, 'plugins/incoming/postgres-newer');
  cpSync(join(import.meta.dirname, '../../plugins/postgres/dist'), folder, { recursive: true });
  const manifest = join(folder, 'lethe.plugin.json');
  const text = readFileSync(manifest, 'utf8');
  writeFileSync(manifest, text.replace(/"version": "[^"]+"/, '"version": "99.0.0"'));
}

async function rules(cast: Cast): Promise<void> {
  const { api } = cast;
  // The one on the shop, under which nothing is due.
  const hold = cast.filled.ids.get('/v1/holds')!.at(-1);
  await made(api.post(`/v1/holds/${hold}/release`, { reason: 'The claim is over.' }, officer2));
  const plan = await made(api.post('/v1/retention/plans', { all: true }));
  await made(api.post(`/v1/retention/plans/${plan.id}/approve`, { hash: plan.hash }, officer2));
}

/** A connection from its first day to its last, through another version of its plugin. */
async function connectionLife({ api, shop, dataDir }: Cast): Promise<void> {
  const plugin = await installPlugin(api, 'postgres');
  const { config, secrets } = shop.connection();
  const created = await made(
    api.post(
      '/v1/admin/connections',
      { name: 'second shop', ...place, plugin, config, secrets: { password: PERSON } },
      admin,
    ),
  );
  const path = `/v1/admin/connections/${created.id}`;
  await made(api.post(`${path}/rotate-secret`, { secrets }, admin));
  await made(api.post(`${path}/configure`, { config }, admin));
  plantNewer(dataDir);
  const newer = await installPlugin(api, 'postgres-newer');
  await made(api.post(`${path}/upgrade`, { version: newer.version, secrets }, admin));
  await made(api.post(`${path}/rollback`, {}, admin));
  await made(api.post(`${path}/quarantine`, { reason: 'It looks odd.' }, admin));
  await made(api.post(`${path}/quarantine/clear`, { reason: 'It was right.' }, admin));
  const { version } = await installPlugin(api, 'duckdb');
  await made(api.post('/v1/admin/plugins/duckdb/remove', { version, reason: 'Nobody uses it.' }, admin));
  const takeover = { owner: 'the desk', dueOn: '2031-01-01' };
  await made(api.post(`${path}/remove`, { reason: 'The shop closed.', takeover }, admin));
}

const opened = async ({ api }: Cast, email: string): Promise<string> => {
  const wanted = {
    type: 'access',
    regimes: ['uk-gdpr'],
    subject: { identifiers: [byEmail(email)] },
    channel: 'letter',
  };
  return (await made(api.post('/v1/requests', wanted))).id;
};

async function courses(cast: Cast): Promise<void> {
  const { api } = cast;
  const turn = (id: string, verb: string, body: object): Promise<Answer> =>
    made(api.post(`/v1/requests/${id}/${verb}`, body));
  const id = await opened(cast, 'turns@example.test');
  await turn(id, 'verification-codes', { identifier: byEmail('turns@example.test') });
  await turn(id, 'answers', { kind: 'identity-question' });
  await turn(id, 'extend', { regime: 'uk-gdpr', reason: 'complexity' });
  await turn(id, 'pause', { regime: 'uk-gdpr', reason: 'clarification' });
  await turn(id, 'resume', { regime: 'uk-gdpr' });
  await turn(id, 'refuse', { reason: 'The fourth this week.', exception: 'uk-gdpr-12-5-b' });
  await closed(api, id);
  await turn(id, 'reopen', { reason: 'She wrote again.', cause: 'complaint' });
  await turn(id, 'withdraw', { reason: 'She thanks us.' });
  await made(api.post('/v1/requests/search', { subject: { identifiers: [byEmail('turns@example.test')] } }));
}

/** An erasure at a system that says it cannot, and what an officer may do then. */
async function failingWork(cast: Cast): Promise<void> {
  const { api, unable } = cast;
  const { endpoint } = unable;
  const remote = { name: 'club by call', ...place, datasets, endpoint, allowInward: true, signingSecret };
  const { id } = await made(api.post('/v1/admin/remotes', remote, admin));
  for (const step of ['check', 'enable']) await made(api.post(`/v1/admin/connections/${id}/${step}`, {}, admin));
  const erasure = await openProven(api, 'erasure', [byEmail('stuck@example.test'), byCustomer('7')]);
  const exclusion = { connectionId: id, identifierType: 'shop-customer-id', reason: 'Somebody else has it now.' };
  await made(api.post(`/v1/requests/${erasure}/exclusions`, exclusion));
  await approveByTwo(api, erasure, (await planOf(api, erasure)).hash);
  const target = `/v1/requests/${erasure}/targets/${id}`;
  let heard = 0;
  const failed = async (): Promise<void> => {
    await requestWhen(
      api,
      erasure,
      ({ targets = [] }) =>
        unable.lines.length > heard &&
        targets.some((one: Answer) => one.connectionId === id && one.failure?.code === 'broken'),
    );
    heard = unable.lines.length;
  };
  await failed();
  await made(api.post(`${target}/retry`, { reason: 'They say it works.' }));
  await failed();
  await made(api.post(`${target}/accept`, { reason: 'They never will.' }));
  await made(api.post(`${target}/manual`, { reason: 'Somebody goes there.' }));
}

/** The inbox's own worker: the erasure that waits, then an access request. */
async function inboxWork(cast: Cast): Promise<void> {
  const { api } = cast;
  const connectionId = cast.filled.ids.get('/v1/admin/connections')!.at(-1)!;
  const wanted = { kind: 'system', label: 'next worker', scopes: ['tasks:work'] };
  const { id: keyId, key } = await made(api.post('/v1/admin/api-keys', wanted, admin));
  await made(api.post(`/v1/admin/connections/${connectionId}/rebind`, { keyId }, admin));
  const claimed = async (kind: string): Promise<(what: string, more?: object) => Promise<Answer>> => {
    const { id } = await until(`a task ${kind}`, async () => {
      const { items } = await made(api.get(`/v1/tasks?connectionId=${connectionId}&wait=1`, { key }));
      return items.find((one: Answer) => one.kind === kind);
    });
    const { fence } = await made(api.post(`/v1/tasks/${id}/claim`, { leaseSeconds: 60 }, { key }));
    return (what, more = {}) => made(api.post(`/v1/tasks/${id}/${what}`, { fence, ...more }, { key }));
  };
  const { id: lateKey } = await made(api.post('/v1/admin/api-keys', wanted, admin));
  const late = { name: 'late inbox', ...place, datasets, keyId: lateKey };
  const { id: lateInbox } = await made(api.post('/v1/admin/inboxes', late, admin));
  await made(api.post(`/v1/admin/connections/${lateInbox}/redeclare`, { datasets, answerWithinDays: 3 }, admin));
  const erases = await claimed('apply');
  await erases('heartbeat', { leaseSeconds: 60 });
  await erases('outcomes', { outcomes: [{ dataset: 'members', kind: 'erased', count: 1 }] });
  await erases('complete');
  const access = await openProven(api, 'access', [byEmail('reads@example.test')]);
  await approve(api, access, (await planOf(api, access)).hash);
  await (
    await claimed('read')
  )('release', { reason: 'maintenance' });
  const reads = await claimed('read');
  const content = `${JSON.stringify({ dataset: 'members', ref: '7', fields: { name: `Ada ${PERSON}`, note: WORD } })}\n`;
  const sha256 = createHash('sha256').update(content).digest('hex');
  await reads('records', { part: 0, sha256, content });
  await reads('complete', { outcomes: [{ dataset: 'members', kind: 'provided', count: 1 }] });
}
