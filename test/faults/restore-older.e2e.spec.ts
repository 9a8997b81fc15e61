/** A restore of a backup that is not the newest: whole from the last two, and from an older one nobody is served by accident. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ArchiveFiles, archivedSize } from '#ledger';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { byEmail } from '../support/connected-systems.js';
import { ServiceProcess } from '../support/service-process.js';
import { until } from '../support/until.js';

const subject = { identifiers: [byEmail('ada@example.test')] };
let service: ServiceProcess;
let archive: ArchiveFiles;

async function lethe(...words: string[]): Promise<[number, string]> {
  const said: string[] = [];
  const note = (line: string): number => said.push(line);
  const status = await runVerb(words, { say: note, complain: note, environment: service.commandEnvironment });
  return [status, said.join('\n')];
}

const folder = (name: string): string => join(service.dataDir, name);
const backup = async (name: string): Promise<void> =>
  expect(await lethe('backup', folder(name))).toEqual([0, expect.any(String)]);
const restore = (name: string): ReturnType<typeof lethe> => lethe('restore', folder(name), '--replace');

async function consent(decision: 'given' | 'withdrawn'): Promise<void> {
  const { status } = await service.post(
    '/v1/consents',
    {
      ...{ subject, decisions: [{ purpose: 'newsletter', decision }], notice: { id: 'signup', version: '1' } },
      ...{ method: 'web-form', collectedAt: new Date().toISOString(), evidence: {} },
    },
    { as: 'system' },
  );
  expect(status).toBe(201);
  const { body } = await service.get('/v1/ledger', { as: 'auditor' });
  await until('the archive', async () => (await archivedSize(archive, body.logId, 0)) >= body.size);
}

/** What a service that was just restored answers about Ada. */
async function decision(): Promise<unknown> {
  await service.start();
  await until('a service', async () => (await service.get('/readyz')).status === 200);
  return (await service.post('/v1/consents/check', { subject, purpose: 'newsletter' }, { as: 'system' })).body.reason;
}

beforeAll(async () => {
  service = await ServiceProcess.prepare((dataDir) => ({
    LETHE_ARCHIVE_URL: pathToFileURL(join(dataDir, 'archive')).href,
  }));
  archive = new ArchiveFiles(join(service.dataDir, 'archive'));
  await service.start();
  await service.put('/v1/purposes/newsletter', { name: 'N', legalBasis: 'consent', model: 'opt-in' }, { as: 'admin' });
  const notice = { id: 'signup', version: '1', language: 'en', text: 'News.', purposes: ['newsletter'] };
  await service.post('/v1/notices', notice);
}, 240_000);
afterAll(() => service.close());

describe('somebody who withdrew between two backups', () => {
  it('has withdrawn after a restore of the last but one', async () => {
    await consent('given');
    await backup('before');
    await consent('withdrawn');
    await backup('after');
    await service.end('SIGTERM');
    expect(await restore('before')).toEqual([0, expect.stringContaining('run lethe replay')]);
    expect((await lethe('replay'))[0]).toBe(0);
    expect(await decision()).toBe('consent-withdrawn');
  }, 240_000);

  it('is not answered for after a restore of an older one, unless somebody says so', async () => {
    await backup('third');
    await backup('fourth');
    await service.end('SIGTERM');
    expect(await restore('before')).toEqual([1, expect.stringContaining('changed for people is not back')]);
    expect(await lethe('restore', '--complete')).toEqual([0, expect.any(String)]);
    expect(await lethe('replay')).toEqual([1, expect.stringContaining('--accept-missing-rows')]);
    await service.start();
    expect((await service.get('/readyz')).body.code).toBe('quarantined');
    expect((await lethe('replay', '--accept-missing-rows'))[0]).toBe(0);
    await service.end('SIGTERM');
    // The control: nothing else would have told before it answered.
    expect(await decision()).toBe('consent-given');
    await service.end('SIGTERM');
    // What was given up is no tampering.
    expect(await lethe('verify-store')).toEqual([0, expect.any(String)]);
    expect((await restore('third'))[0]).toBe(0);
    expect((await lethe('replay'))[0]).toBe(0);
    expect(await decision()).toBe('consent-withdrawn');
  }, 240_000);
});
