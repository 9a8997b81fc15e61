/** What a verb says when the service refuses: the sentence, and every place that was wrong. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { runVerb } from './run-verb.js';

it('prints where a refused call was wrong', async () => {
  const problem = {
    ...{ code: 'body-invalid', detail: 'The body does not match.', status: 400 },
    errors: [
      { pointer: '/name', code: 'required', detail: 'This is required.' },
      { pointer: '', code: 'unknown-member' },
    ],
  };
  const server = createServer((_, answer) => answer.writeHead(400).end(JSON.stringify(problem)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const said: string[] = [];
  const terminal = {
    say: () => undefined,
    complain: (line: string) => void said.push(line),
    environment: { LETHE_API_KEY: 'k' },
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const status = await runVerb(['plugin', 'install', 'x', '--url', url], terminal);
  server.close();
  expect([status, ...said]).toEqual([
    1,
    'lethe plugin: body-invalid: The body does not match.',
    '  /name required: This is required.',
    '  / unknown-member',
  ]);
});
