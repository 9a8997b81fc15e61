/**
 * Calls of a service at an even rate, in a process of its own: half append a consent, half ask for one. Told a phase by a
 * message, it counts under that name; told `report`, it answers with every phase. Latency is from when a call was due.
 */
import { Agent, request } from 'node:http';
import process from 'node:process';

const { baseUrl, key, rate } = JSON.parse(process.argv[2]);
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const PEOPLE = 500;
const ATTEMPTS = 10;
const REPEAT_MS = 500;
const phases = new Map();
let phase = 'warm';
let sent = 0;
let open = 0;
let stopped = false;

const person = (n) => ({ identifiers: [{ type: 'email', value: `load${n % PEOPLE}@example.test` }] });

function call(n) {
  if (n % 2 === 1) return ['/v1/consents/check', { subject: person(n >> 1), purpose: 'news' }];
  const decisions = [{ purpose: 'news', decision: 'given' }];
  const notice = { id: 'n', version: '1' };
  const more = { method: 'form', collectedAt: new Date().toISOString(), evidence: {} };
  return ['/v1/consents', { subject: person(n >> 1), decisions, notice, ...more }];
}

/** No limit of our own on connecting: on a busy machine a call is late, and only the service can make it fail. */
const agent = new Agent({ keepAlive: true, maxSockets: 128 });

function post(path, body, n, again) {
  return new Promise((resolve) => {
    const all = { ...headers, 'idempotency-key': `load-${process.pid}-${n}` };
    const asked = request(baseUrl + path, { method: 'POST', agent, headers: all }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(String(answer.statusCode)));
      answer.once('error', (error) => resolve(error.code ?? error.name));
    });
    // A connection that was closed while it lay idle says nothing about the service (RFC 9110 section 9.2.2: the key allows it).
    asked.once('error', (error) => {
      if (asked.reusedSocket) again();
      resolve(asked.reusedSocket ? post(path, body, n, again) : (error.code ?? error.name));
    });
    asked.end(JSON.stringify(body));
  });
}

async function send(n, due, counted) {
  const [path, body] = call(n);
  open += 1;
  const one = phases.get(counted) ?? { ms: [], repeated: 0, failed: {} };
  phases.set(counted, one);
  let outcome;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    outcome = await post(path, body, n, () => (one.repeated += 1));
    // A service with more load than it can serve says so; a client repeats, and its caller waits.
    if (outcome !== '503') break;
    one.repeated += 1;
    await new Promise((resolve) => setTimeout(resolve, REPEAT_MS));
  }
  open -= 1;
  one.ms.push(performance.now() - due);
  if (!/^20[01]$/.test(outcome)) one.failed[outcome] = (one.failed[outcome] ?? 0) + 1;
}

const began = performance.now();
function tick() {
  const now = performance.now();
  for (let due = began + (sent * 1000) / rate; due <= now && !stopped; due = began + (sent * 1000) / rate) {
    void send(sent, due, phase);
    sent += 1;
  }
  if (!stopped) setTimeout(tick, 1);
}
tick();

async function report() {
  stopped = true;
  while (open > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  process.send({ phases: Object.fromEntries(phases) });
}

process.on('message', (message) => {
  if (message.phase) phase = message.phase;
  if (message.report) void report();
});
process.on('disconnect', () => process.exit(0));
