/** Two hundred ways to write an inward address, a name that changes its mind, and answers that hang, redirect or never end. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ResolvedAddress } from './outbound-address.js';
import { checkUrl, OutboundFailure, sendGuarded, type GuardedCall } from './outbound-http.js';

const inwardV4 = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.254', '127.0.0.1', '127.1.2.3'],
  ...['127.255.255.254', '169.254.169.254', '169.254.0.1', '172.16.0.1', '172.31.255.254', '192.0.0.170', '192.0.2.1'],
  ...['192.88.99.1', '192.168.0.1', '192.168.255.255', '198.18.0.1', '198.51.100.7', '203.0.113.9', '224.0.0.1'],
  ...['239.255.255.250', '240.0.0.1', '255.255.255.255'],
];
const inwardV6 = [
  ...['::', '::1', '0:0:0:0:0:0:0:1', 'fe80::1', 'febf::1', 'fc00::1', 'fd12:3456:789a::1', 'ff02::1', '2001:db8::1'],
  ...[
    '2001::1',
    '2001:10::1',
    '2002:7f00:1::1',
    '2002:a00:1::',
    '3fff::1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::a00:1',
    '100::1',
  ],
];

/** The same IPv4 address as a resolver of another age would read it. */
function forms(address: string): string[] {
  const [a, b, c, d] = address.split('.').map(Number) as [number, number, number, number];
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const octal = (value: number): string => `0${value.toString(8)}`;
  return [
    address,
    `${number}`,
    hex(number),
    octal(number),
    [a, b, c, d].map(hex).join('.'),
    [a, b, c, d].map(octal).join('.'),
    `${a}.${b}.${c * 256 + d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `[::ffff:${address}]`,
    `[::${address}]`,
  ];
}

const urls = [
  ...inwardV4.flatMap((address) => forms(address).map((form) => `https://${form}/hook`)),
  ...inwardV6.map((address) => `https://[${address}]/hook`),
  ...['https://user:pass@93.184.216.34/', 'https://user@93.184.216.34/', 'ftp://93.184.216.34/', 'file:///etc/passwd'],
  ...['http://93.184.216.34/', 'gopher://93.184.216.34/', 'https://', 'not a url', 'https://127.0.0.1.:443/'],
  ...[
    'https://１２７.0.0.1/',
    'https://127。0。0。1/',
    'https://0x7f.1/',
    'https://%31%32%37.0.0.1/',
    'HTTPS://LOCALHOST./',
  ],
];

const refusal = async (call: Partial<GuardedCall>, resolve?: (name: string) => Promise<ResolvedAddress[]>) =>
  sendGuarded({ ...{ headers: {}, body: '{}', timeoutMs: 2000, allow: [], maxBytes: 1000 }, url: '', ...call }, resolve)
    .then(() => 'sent')
    .catch((error: unknown) => (error instanceof OutboundFailure ? error.code : 'another error'));

describe('a URL of a stranger', () => {
  const inward = async (): Promise<ResolvedAddress[]> => [{ address: '127.0.0.1', family: 4 }];

  it('reaches no inward address, however it is written', async () => {
    expect(urls.length).toBeGreaterThanOrEqual(200);
    const answers = await Promise.all(urls.map((url) => refusal({ url }, inward)));
    const expected = new Set(['address-refused', 'url-invalid', 'scheme-refused']);
    expect(urls.filter((_, index) => !expected.has(answers[index] ?? ''))).toEqual([]);
  });

  it('control: a public address passes the same check', () => {
    for (const url of ['https://93.184.216.34/', 'https://[2606:4700::1111]/', 'https://receiver.example/hook'])
      expect(checkUrl(url, []).protocol).toBe('https:');
  });

  it('reaches an inward address that is allowed exactly, and not its neighbour port', () => {
    const allow = ['127.0.0.1:8443', 'crm.intranet.example:80'];
    expect(checkUrl('https://127.0.0.1:8443/', allow).port).toBe('8443');
    expect(checkUrl('http://crm.intranet.example/', allow).hostname).toBe('crm.intranet.example');
    expect(() => checkUrl('https://127.0.0.1:8444/', allow)).toThrow(OutboundFailure);
    expect(() => checkUrl('http://crm.intranet.example:81/', allow)).toThrow(OutboundFailure);
  });

  it('is refused when one of several addresses of a name is inward', async () => {
    const both = async (): Promise<ResolvedAddress[]> => [
      { address: '93.184.216.34', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ];
    expect(await refusal({ url: 'https://both.example/' }, both)).toBe('address-refused');
    expect(await refusal({ url: 'https://nobody.example/' }, async () => [])).toBe('name-unresolvable');
  });
});

describe('a receiver', () => {
  let outer: Server;
  let inner: Server;
  let port: number;
  let inwardHits = 0;

  const answers: RequestListener = (request, response) => {
    switch (request.url) {
      case '/redirect':
        response.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end();
        return;
      case '/huge':
        response.writeHead(200);
        // Without an end: whoever reads must stop by itself.
        response.write('x'.repeat(100_000));
        return;
      case '/hang':
        return;
      case '/upgrade':
        response.socket?.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
        return;
      case '/drip':
        response.writeHead(200);
        setInterval(() => response.write('x'), 20).unref();
        return;
      default:
        response.writeHead(202, { 'retry-after': '7' }).end('thanks');
    }
  };

  beforeAll(async () => {
    inner = createServer((_, response) => {
      inwardHits += 1;
      response.end();
    }).listen(0, '127.0.0.1');
    await once(inner, 'listening');
    ({ port } = inner.address() as AddressInfo);
    outer = createServer(answers).listen(port, '127.0.0.2');
    await once(outer, 'listening');
  });
  afterAll(() => {
    for (const server of [outer, inner]) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** Answers an acceptable address first and an inward one ever after. */
  function flipping(): { asked: () => number; resolve: () => Promise<ResolvedAddress[]> } {
    let asked = 0;
    const resolve = async (): Promise<ResolvedAddress[]> => {
      asked += 1;
      return [{ address: asked === 1 ? '127.0.0.2' : '127.0.0.1', family: 4 }];
    };
    return { asked: () => asked, resolve };
  }

  const call = (path: string): GuardedCall => ({
    url: `http://rebinding.example:${port}${path}`,
    ...{ headers: { 'x-a': '1' }, body: '{}', timeoutMs: 500, allow: [`rebinding.example:${port}`], maxBytes: 1000 },
  });

  it('is reached at the address that was judged, whatever its name answers later', async () => {
    const name = flipping();
    const answer = await sendGuarded(call('/'), name.resolve);
    expect(answer).toMatchObject({ status: 202, headers: { 'retry-after': '7' } });
    expect(answer.body.toString()).toBe('thanks');
    expect([name.asked(), inwardHits]).toEqual([1, 0]);
    // Control: the second answer of this name does lead inward.
    await sendGuarded(call('/'), name.resolve);
    expect(inwardHits).toBe(1);
  });

  it('cannot send the caller elsewhere, keep it waiting or fill its memory', async () => {
    const at = (path: string) => refusal(call(path), flipping().resolve);
    expect(await at('/redirect')).toBe('redirect-refused');
    expect(await at('/huge')).toBe('answer-too-large');
    expect(await at('/hang')).toBe('timeout');
    expect(await at('/drip')).toBe('timeout');
    expect(await at('/upgrade')).toBe('connection-failed');
    const cut = await sendGuarded({ ...call('/huge'), cut: true }, flipping().resolve);
    expect([cut.status, cut.body.length]).toEqual([200, 1000]);
  });

  it('that never resolves costs no more than the time limit', async () => {
    expect(await refusal(call('/'), () => new Promise(() => undefined))).toBe('timeout');
    expect(await refusal({ ...call('/'), signal: AbortSignal.abort() }, flipping().resolve)).toBe('connection-failed');
  });
});
