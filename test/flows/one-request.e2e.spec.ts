/** docs/one-request.md is run as it stands, in one shell, by the demo's people: receipt to package, receipt to certificate. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureKeys } from '../../apps/server/src/demo.js';
import { readDemoFile } from '../../apps/server/src/demo-file.js';
import { blocksOf, canFollow, readDocuments, type DocumentReader } from '../support/document-reader.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

const blocks = blocksOf('docs/one-request.md');
let lethe: TestServer;
let reader: DocumentReader;

beforeAll(async () => {
  lethe = await startTestServer();
  await ensureKeys(lethe.server.parts.config, lethe.server);
  const demo = (await readDemoFile(lethe.dataDir))!;
  const archive = { name: 'Paper archive', legalEntity: 'Archive', country: 'DE', owner: 'archive', why: 'paper' };
  await lethe.post('/v1/admin/systems', archive, { key: demo.keys.admin });
  reader = readDocuments(demo);
});
afterAll(async () => {
  await lethe.close();
  reader.leave();
});

(canFollow ? describe : describe.skip)('the request of the document', () => {
  it('is answered at every step, both close, and its certificate verifies', async () => {
    const lines = await reader.shell(blocks.join('\n'));
    expect(lines.filter((line) => line.includes('urn:lethe:problem'))).toEqual([]);
    const closed = lines.filter((line) => line.includes('"status":"closed"'));
    // The requests themselves are kept, for the proof.
    expect(closed.map((line) => JSON.parse(line)).map(({ type, resolution }) => [type, resolution])).toEqual([
      ['access', 'fulfilled'],
      ['erasure', 'fulfilled-with-retention'],
    ]);
    expect(lines.join('\n')).toMatch(/CERTIFICATE VERIFIED/);
  }, 150_000);

  it('(control) a call that is refused would be seen', async () => {
    const refused = await reader.shell(`${blocks[0] ?? ''}\ncall auditor POST /v1/requests '{}'`);
    expect(refused.join()).toContain('urn:lethe:problem');
  }, 30_000);
});
