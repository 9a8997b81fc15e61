// Asks a PostgreSQL server on 127.0.0.1 whether it accepts our password: a SCRAM-SHA-256 login (RFC 5802, RFC 7677) and nothing more.
// Written out so that the launcher runs before any dependency is installed; the server proves that it knows the password as well.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { connect } from 'node:net';

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

function startupMessage(user, database) {
  const body = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(196608, 4);
  return Buffer.concat([head, body]);
}

function passwordMessage(body) {
  const head = Buffer.alloc(5);
  head.write('p', 0);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function saslInitial(clientFirst) {
  const mechanism = Buffer.from('SCRAM-SHA-256\0');
  const length = Buffer.alloc(4);
  length.writeInt32BE(clientFirst.length, 0);
  return passwordMessage(Buffer.concat([mechanism, length, Buffer.from(clientFirst)]));
}

/** The client's final message and the signature the server must answer with. */
function scramFinal(password, clientFirstBare, serverFirst) {
  const fields = Object.fromEntries(serverFirst.split(',').map((part) => [part[0], part.slice(2)]));
  const salted = pbkdf2Sync(password, Buffer.from(fields.s, 'base64'), Number(fields.i), 32, 'sha256');
  const withoutProof = `c=biws,r=${fields.r}`;
  const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`;
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage);
  const proof = clientKey.map((byte, index) => byte ^ signature[index]);
  return {
    text: `${withoutProof},p=${Buffer.from(proof).toString('base64')}`,
    serverSignature: hmac(hmac(salted, 'Server Key'), authMessage),
  };
}

/** One step of the conversation: returns the answer to send, or a verdict. */
function scramStep(state, code, body, password) {
  if (code === 10) {
    state.bare = `n=,r=${randomBytes(18).toString('base64')}`;
    return { send: saslInitial(`n,,${state.bare}`) };
  }
  if (code === 11) {
    const final = scramFinal(password, state.bare, body.toString());
    state.serverSignature = final.serverSignature;
    return { send: passwordMessage(Buffer.from(final.text)) };
  }
  if (code === 12) {
    const given = Buffer.from(body.toString().slice(2), 'base64');
    const expected = state.serverSignature;
    state.proven = given.length === expected.length && timingSafeEqual(given, expected);
    return {};
  }
  return { verdict: code === 0 && state.proven ? 'accepted' : 'refused' };
}

function refusal(body) {
  const sqlState =
    body
      .toString()
      .split('\0')
      .find((field) => field.startsWith('C'))
      ?.slice(1) ?? '';
  // 57P03 cannot_connect_now: starting up, or shutting down; 53300 too_many_connections: it lives and is busy.
  return sqlState === '57P03' ? 'starting' : sqlState === '53300' ? 'accepted' : 'refused';
}

/**
 * @param {{port: number, user?: string, password: string, database?: string, timeoutMs?: number}} options
 * @returns {Promise<'accepted' | 'refused' | 'starting' | 'silent'>}
 */
export function tryLogin({ port, user = 'postgres', password, database = 'postgres', timeoutMs = 2000 }) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const state = {};
    let buffer = Buffer.alloc(0);
    const finish = (verdict) => {
      socket.destroy();
      resolve(verdict);
    };
    socket.setTimeout(timeoutMs, () => finish('silent'));
    socket.on('error', () => finish('silent'));
    socket.on('close', () => finish('silent'));
    socket.on('connect', () => socket.write(startupMessage(user, database)));
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 5 && buffer.length >= 1 + buffer.readInt32BE(1)) {
        const length = buffer.readInt32BE(1);
        const kind = String.fromCharCode(buffer[0]);
        const body = buffer.subarray(5, 1 + length);
        buffer = buffer.subarray(1 + length);
        if (kind === 'E') return finish(refusal(body));
        if (kind !== 'R') continue;
        const step = scramStep(state, body.readInt32BE(0), body.subarray(4), password);
        if (step.verdict) return finish(step.verdict);
        if (step.send) socket.write(step.send);
      }
    });
  });
}
