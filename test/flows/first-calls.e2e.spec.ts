/** docs/first-calls.md is run as it stands: each block in one shell, against a service with the demo's kinds of keys. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blocksOf, canFollow, readDocuments, type DocumentReader } from '../support/document-reader.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

const [definitions = '', ...calls] = blocksOf('docs/first-calls.md');
let lethe: TestServer;
let reader: DocumentReader;

const shell = (block: string): Promise<string[]> => reader.shell(`${definitions}\n${block}`);

beforeAll(async () => {
  lethe = await startTestServer();
  reader = readDocuments({ baseUrl: lethe.server.baseUrl, keys: lethe.tenant.keys });
});
afterAll(async () => {
  await lethe.close();
  reader.leave();
});

(canFollow ? describe : describe.skip)('the first calls of the document', () => {
  it('are all answered, none by a problem, and the log can be recomputed', async () => {
    const answers: string[] = [];
    for (const block of calls) {
      if (block.includes('verify-log')) await lethe.server.parts.signer.round();
      answers.push(...(await shell(block)));
    }
    expect(answers.filter((line) => line.includes('urn:lethe:problem'))).toEqual([]);
    expect(answers.find((line) => line.includes('"decision":"permit"'))).toContain('consent-given');
    expect(answers.find((line) => line.startsWith('{"accepted"'))).toContain('"accepted":1');
    expect(answers.find((line) => line.includes('"ref":"row 1"'))).toContain('"suppressed":false');
    expect(answers.filter((line) => line.startsWith('{"records"'))).toHaveLength(2);
    expect(answers).toContain('SEAL CHECK: the records are those that were sealed');
    expect(answers.join()).toContain('1 of them yours');
  }, 60_000);

  it('go on in the document about events: a system is declared, reads its page and acknowledges it', async () => {
    const [terms = ''] = blocksOf('docs/one-request.md');
    const lines = await reader.shell([terms, ...blocksOf('docs/events.md')].join('\n'));
    expect(lines.filter((line) => line.includes('urn:lethe:problem'))).toEqual([]);
    expect(lines.at(-1)).toContain('"systemId":"crm"');
  }, 30_000);

  it('(control) a call that is refused would be seen', async () => {
    expect((await shell(`call auditor POST /v1/consents '{}'`)).join()).toContain('urn:lethe:problem');
  }, 30_000);
});
