// The load of the HTTP rows: connections kept open, one call at a time on each. Written on bare sockets, so that the generator
// takes as little as it can of a machine that it shares with the servers. Ours, peer and limit are called by the same code.
import { connect } from 'node:net';
import { calls } from './load-calls.mjs';
import { figures } from './measure.mjs';
import { answer } from './processes.mjs';

const END_OF_HEAD = Buffer.from('\r\n\r\n');

/** Where the first answer in `bytes` ends, and its status; undefined while it is not complete. */
function readAnswer(bytes) {
  const head = bytes.indexOf(END_OF_HEAD);
  if (head < 0) return undefined;
  const text = bytes.toString('latin1', 0, head);
  const length = /\r\ncontent-length: *(\d+)/i.exec(text);
  if (!length) throw new Error('the server answered without a content-length, which this load does not read');
  const end = head + END_OF_HEAD.length + Number(length[1]);
  return bytes.length < end ? undefined : { status: Number(text.slice(9, 12)), end };
}

/** Calls over one connection until time is up; resolves when the last answer is there. */
function converse(port, nextCall, until, note) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let pending = Buffer.alloc(0);
    let from = 0;
    const send = () => {
      from = performance.now();
      socket.write(nextCall());
    };
    socket.once('connect', send);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed a connection in the middle of a run')));
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      try {
        const found = readAnswer(pending);
        if (!found) return;
        const now = performance.now();
        note(now - from, found.status, () => pending.toString('utf8', 0, 500));
        pending = pending.subarray(found.end);
        if (now < until) return send();
        socket.removeAllListeners('close');
        socket.end();
        resolve();
      } catch (error) {
        reject(error);
      }
    });
  });
}

async function run({ port, call, settings, seconds, connections }) {
  const next = calls[call](port, settings);
  const latencies = [];
  const begun = performance.now();
  const note = (latency, status, text) => {
    // A refusal is quicker than an answer: a run with one of them measures nothing.
    if (status < 200 || status > 299) throw new Error(`${call} was answered ${text()}`);
    latencies.push(latency);
  };
  const until = begun + seconds * 1000;
  await Promise.all(Array.from({ length: connections }, () => converse(port, next, until, note)));
  return figures(latencies, performance.now() - begun);
}

answer({ start: () => undefined, run });
